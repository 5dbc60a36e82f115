//! A Rust file seen through a simple scanner.
//!
//! The scanner knows strings, characters, lifetimes and nested comments, and nothing else of
//! Rust: enough to tell code from text, to measure functions, and to find test regions. It
//! does not expand macros and does not resolve names.

use std::ops::Range;

/// One file, taken apart.
#[derive(Debug)]
pub(crate) struct Source {
    /// The file with comments blanked and the contents of strings replaced by `"`.
    pub(crate) code: Vec<String>,
    /// Every comment: its line, counted from 0, and its text without the slashes.
    pub(crate) comments: Vec<(usize, String)>,
    /// Every string: its line and its contents as written.
    pub(crate) strings: Vec<(usize, String)>,
    /// The lines of items under `#[cfg(test)]`.
    pub(crate) tests: Vec<Range<usize>>,
}

/// A function with a body.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Function {
    /// Its name.
    pub(crate) name: String,
    /// The line of `fn`, counted from 0.
    pub(crate) line: usize,
    /// Lines with code in them, from `fn` to the closing brace.
    pub(crate) code_lines: usize,
}

impl Source {
    /// Takes a file apart. Never fails: what it cannot understand counts as code.
    pub(crate) fn read(text: &str) -> Self {
        let mut scanner = Scanner::new(text);
        scanner.run();
        let code = scanner.code.lines().map(str::to_owned).collect();
        let mut source =
            Self { code, comments: scanner.comments, strings: scanner.strings, tests: Vec::new() };
        source.tests = source.test_regions();
        source
    }

    /// True when the line belongs to an item under `#[cfg(test)]`.
    pub(crate) fn is_test(&self, line: usize) -> bool {
        self.tests.iter().any(|region| region.contains(&line))
    }

    /// How many lines hold code, outside and inside test regions.
    pub(crate) fn code_lines(&self) -> (usize, usize) {
        let mut counts = (0, 0);
        for (number, line) in self.code.iter().enumerate() {
            if !line.trim().is_empty() {
                let count = if self.is_test(number) { &mut counts.1 } else { &mut counts.0 };
                *count += 1;
            }
        }
        counts
    }

    /// Every function that has a body.
    pub(crate) fn functions(&self) -> Vec<Function> {
        let mut found = Vec::new();
        for (number, line) in self.code.iter().enumerate() {
            for (place, _) in line.match_indices("fn ") {
                let before = line.get(..place).and_then(|text| text.chars().next_back());
                let name: String = line
                    .get(place + 3..)
                    .unwrap_or_default()
                    .chars()
                    .take_while(|letter| letter.is_alphanumeric() || *letter == '_')
                    .collect();
                if name.is_empty() || before.is_some_and(|letter| letter.is_alphanumeric()) {
                    continue;
                }
                if let Some(end) = self.item_end(number, place) {
                    let lines = self.code.get(number..=end).unwrap_or_default();
                    let code_lines = lines.iter().filter(|line| !line.trim().is_empty()).count();
                    found.push(Function { name, line: number, code_lines });
                }
            }
        }
        found
    }

    /// The line on which the item starting here closes its braces; `None` when it ends with a
    /// semicolon instead.
    fn item_end(&self, line: usize, column: usize) -> Option<usize> {
        let (mut braces, mut others) = (0_u32, 0_u32);
        for (number, text) in self.code.iter().enumerate().skip(line) {
            let text = if number == line { text.get(column..).unwrap_or_default() } else { text };
            for letter in text.chars() {
                match letter {
                    '(' | '[' if braces == 0 => others += 1,
                    ')' | ']' if braces == 0 => others = others.saturating_sub(1),
                    '{' if others == 0 || braces > 0 => braces += 1,
                    '}' if braces > 0 => {
                        braces -= 1;
                        if braces == 0 {
                            return Some(number);
                        }
                    }
                    ';' if braces == 0 && others == 0 => return None,
                    _ => {}
                }
            }
        }
        None
    }

    fn test_regions(&self) -> Vec<Range<usize>> {
        let mut regions = Vec::new();
        for (number, line) in self.code.iter().enumerate() {
            if let Some(place) = line.find("#[cfg(test)]") {
                let end = self.item_end(number, place + "#[cfg(test)]".len()).unwrap_or(number);
                regions.push(number..end + 1);
            }
        }
        regions
    }
}

struct Scanner {
    text: Vec<char>,
    at: usize,
    line: usize,
    code: String,
    comments: Vec<(usize, String)>,
    strings: Vec<(usize, String)>,
}

impl Scanner {
    fn new(text: &str) -> Self {
        Self {
            text: text.chars().collect(),
            at: 0,
            line: 0,
            code: String::with_capacity(text.len()),
            comments: Vec::new(),
            strings: Vec::new(),
        }
    }

    fn run(&mut self) {
        while let Some(letter) = self.peek(0) {
            match letter {
                '/' if self.peek(1) == Some('/') => self.line_comment(),
                '/' if self.peek(1) == Some('*') => self.block_comment(),
                '"' => self.string(),
                'r' if self.raw_hashes().is_some() && !self.inside_word() => self.raw_string(),
                '\'' => self.quote(),
                _ => self.keep(),
            }
        }
    }

    fn peek(&self, ahead: usize) -> Option<char> {
        self.text.get(self.at + ahead).copied()
    }

    /// Takes one character and puts `shown` in the code for it; line ends stay.
    fn take(&mut self, shown: Option<char>) -> Option<char> {
        let letter = self.peek(0)?;
        self.at += 1;
        if letter == '\n' {
            self.line += 1;
            self.code.push('\n');
        } else {
            self.code.push(shown.unwrap_or(letter));
        }
        Some(letter)
    }

    fn keep(&mut self) {
        self.take(None);
    }

    fn line_comment(&mut self) {
        let (start, mut text) = (self.line, String::new());
        while self.peek(0).is_some_and(|letter| letter != '\n') {
            text.extend(self.take(Some(' ')));
        }
        let text = text.trim_start_matches(['/', '!']).trim().to_owned();
        self.comments.push((start, text));
    }

    fn block_comment(&mut self) {
        let (start, mut text, mut depth) = (self.line, String::new(), 0_u32);
        while let Some(letter) = self.peek(0) {
            let pair = (letter, self.peek(1));
            match pair {
                ('/', Some('*')) => depth += 1,
                ('*', Some('/')) => depth = depth.saturating_sub(1),
                _ => {}
            }
            if matches!(pair, ('/', Some('*')) | ('*', Some('/'))) {
                self.take(Some(' '));
                self.take(Some(' '));
            } else {
                text.extend(self.take(Some(' ')));
            }
            if depth == 0 {
                break;
            }
        }
        self.comments.push((start, text.trim_matches(['*', '!', ' ', '\n']).to_owned()));
    }

    fn string(&mut self) {
        let (start, mut text) = (self.line, String::new());
        self.take(Some('"'));
        while let Some(letter) = self.peek(0) {
            if letter == '"' {
                break;
            }
            if letter == '\\' {
                text.extend(self.take(Some('"')));
            }
            text.extend(self.take(Some('"')));
        }
        self.take(Some('"'));
        self.strings.push((start, text));
    }

    /// The number of `#` when a raw string starts here.
    fn raw_hashes(&self) -> Option<usize> {
        let hashes = (1..).take_while(|ahead| self.peek(*ahead) == Some('#')).count();
        (self.peek(1 + hashes) == Some('"')).then_some(hashes)
    }

    /// True when the character before is part of a word that is no string prefix.
    fn inside_word(&self) -> bool {
        let before = |back: usize| self.at.checked_sub(back).and_then(|at| self.text.get(at));
        match before(1) {
            Some('b' | 'c') => before(2).is_some_and(|letter| is_word(*letter)),
            Some(letter) => is_word(*letter),
            None => false,
        }
    }

    fn raw_string(&mut self) {
        let hashes = self.raw_hashes().unwrap_or(0);
        let (start, mut text) = (self.line, String::new());
        for _ in 0..hashes + 2 {
            self.take(Some('"'));
        }
        while let Some(letter) = self.peek(0) {
            let closes = letter == '"' && (1..=hashes).all(|ahead| self.peek(ahead) == Some('#'));
            if closes {
                break;
            }
            text.extend(self.take(Some('"')));
        }
        for _ in 0..=hashes {
            self.take(Some('"'));
        }
        self.strings.push((start, text));
    }

    /// A character literal or a lifetime.
    fn quote(&mut self) {
        let escaped = self.peek(1) == Some('\\');
        if !escaped && self.peek(2) != Some('\'') {
            return self.keep();
        }
        self.take(Some('"'));
        if escaped {
            self.take(Some('"'));
        }
        self.take(Some('"'));
        while self.peek(0).is_some_and(|letter| letter != '\'' && letter != '\n') {
            self.take(Some('"'));
        }
        self.take(Some('"'));
    }
}

fn is_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn function(name: &str, line: usize, code_lines: usize) -> Function {
        Function { name: name.to_owned(), line, code_lines }
    }

    #[track_caller]
    fn check_functions(text: &str, expected: &[Function]) {
        assert_eq!(Source::read(text).functions(), expected);
    }

    #[test]
    fn a_function_ends_where_its_braces_do() {
        check_functions(
            "fn a() {\n}\nfn b() { {} }\n",
            &[function("a", 0, 2), function("b", 2, 1)],
        );
    }

    #[test]
    fn braces_in_strings_characters_and_comments_do_not_count() {
        let text = "fn a<'x>(b: &'x str) {\n  \"}\\\"}\"; // }\n  '}'; '\\''; /* } /* } */ } */\n  \
                    r#\"}\"}\"#; br\"}\";\n}\n";
        check_functions(text, &[function("a", 0, 5)]);
    }

    #[test]
    fn blank_lines_and_comments_are_no_code() {
        check_functions("fn a() {\n\n    // why\n    b();\n}\n", &[function("a", 0, 3)]);
    }

    #[test]
    fn declarations_and_pointer_types_are_no_functions() {
        check_functions("trait A { fn b(&self) -> [u8; 4]; }\ntype C = fn (u8);\n", &[]);
    }

    #[test]
    fn a_signature_over_several_lines_belongs_to_the_function() {
        check_functions("fn a(\n    b: [u8; 4],\n) -> u8 {\n    1\n}\n", &[function("a", 0, 5)]);
    }

    #[test]
    fn the_test_region_is_the_item_under_the_attribute() {
        let source = Source::read("fn a() {}\n#[cfg(test)]\nmod tests {\n    x();\n}\nfn b() {}\n");
        let inside: Vec<bool> = (0..6).map(|line| source.is_test(line)).collect();
        assert_eq!(inside, [false, true, true, true, true, false]);
        assert_eq!(source.code_lines(), (2, 4));
    }

    #[test]
    fn strings_and_comments_are_kept_apart_from_code() {
        let source = Source::read("let a = \"x.unwrap()\"; // why\n");
        assert!(!source.code[0].contains("unwrap"));
        assert_eq!(source.strings, [(0, "x.unwrap()".to_owned())]);
        assert_eq!(source.comments, [(0, "why".to_owned())]);
    }

    #[test]
    fn a_word_that_ends_in_r_starts_no_raw_string() {
        let source = Source::read("bar\"x\" r\"y\" br#\"z\"#\n");
        let texts: Vec<&str> = source.strings.iter().map(|(_, text)| text.as_str()).collect();
        assert_eq!(texts, ["x", "y", "z"]);
    }
}
