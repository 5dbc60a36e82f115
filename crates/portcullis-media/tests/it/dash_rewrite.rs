//! An MPD is rewritten in its URLs, stays the same elsewhere, and is refused when in doubt.

use std::fmt::Write as _;

use portcullis_media::dash::rewrite::{MpdFault, rewrite};
use proptest::prelude::*;

/// Puts `T/` before relative URLs and those of `https://us/`; all others are not ours.
fn ours(url: &str) -> Option<String> {
    match url.strip_prefix("https://us/") {
        Some(path) => Some(format!("https://us/T/{path}")),
        None => (!url.contains("//")).then(|| format!("T/{url}")),
    }
}

/// Checks the rewriting of what stands inside `<MPD>`.
#[track_caller]
fn check(body: &str, expected: &str) {
    let whole = |body: &str| format!("<?xml version=\"1.0\"?>\n<MPD a='1'>{body}</MPD>\n");
    let actual = rewrite(&whole(body), &mut ours);
    assert_eq!(actual, Ok(whole(expected)), "{body}");
}

#[track_caller]
fn check_refused(mpd: &str, expected: MpdFault) {
    let actual = rewrite(mpd, &mut ours).map_err(|error| error.fault);
    assert_eq!(actual, Err(expected), "{}", mpd.chars().take(200).collect::<String>());
}

#[test]
fn every_url_is_rewritten_where_it_stands() {
    check("<BaseURL>a/</BaseURL>", "<BaseURL>T/a/</BaseURL>");
    check("<Location>/m.mpd</Location>", "<Location>T//m.mpd</Location>");
    check("<PatchLocation ttl='1'>p</PatchLocation>", "<PatchLocation ttl='1'>T/p</PatchLocation>");
    check("<SegmentURL media='a'  index = \"b\"/>", "<SegmentURL media='T/a'  index = \"T/b\"/>");
    for name in ["Initialization", "RepresentationIndex", "BitstreamSwitching"] {
        check(
            &format!("<{name} range='0-1' sourceURL='a'/>"),
            &format!("<{name} range='0-1' sourceURL='T/a'/>"),
        );
    }
    check("<InitializationSet initialization='i'/>", "<InitializationSet initialization='T/i'/>");
    for name in ["index", "media", "initialization", "bitstreamSwitching"] {
        check(
            &format!("<x:SegmentTemplate a='b' {name}='c' />"),
            &format!("<x:SegmentTemplate a='b' {name}='T/c' />"),
        );
    }
}

#[test]
fn all_else_stays_byte_for_byte() {
    for body in [
        "",
        "<!-- media='a' -->\r\n\t<Period  id = \"&lt;1&#62;\" ></Period >",
        "<Protection><dashif:Laurl>https://us/l</dashif:Laurl><x><![CDATA[<y>]]></x></Protection>",
        "<SegmentURL mediaRange='0-1'/><SegmentBase media='a' indexRange='0-1'/>",
        "<BaseURL></BaseURL><BaseURL/><BaseURL> </BaseURL>",
        "<UTCTiming value='https://us/t'/>&amp;text&#x20;",
        "<BaseURL>https://other/</BaseURL>",
        "<SegmentTemplate media='data:x'/>",
    ] {
        check(body, body);
    }
}

#[test]
fn urls_are_unescaped_for_the_caller_and_escaped_again() {
    check("<BaseURL>a?b=1&amp;c=&#50;</BaseURL>", "<BaseURL>T/a?b=1&amp;c=2</BaseURL>");
    check("<BaseURL>\n  <![CDATA[a?b&c]]>\n</BaseURL>", "<BaseURL>T/a?b&amp;c</BaseURL>");
    check("<SegmentURL media='a?b&amp;c'/>", "<SegmentURL media='T/a?b&amp;c'/>");
    let quote = rewrite("<MPD><SegmentURL media='a'/></MPD>", &mut |_| Some("a'b".to_owned()));
    assert_eq!(quote.as_deref(), Ok("<MPD><SegmentURL media='a&apos;b'/></MPD>"));
}

#[test]
fn a_byte_order_mark_and_a_declaration_stay() {
    let mpd = |url: &str| {
        format!(
            "\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\"?><MPD><BaseURL>{url}</BaseURL></MPD>"
        )
    };
    assert_eq!(rewrite(&mpd("ä"), &mut ours), Ok(mpd("T/ä")));
}

#[test]
fn below_a_foreign_host_relative_urls_are_left_alone() {
    let template = |url: &str| format!("<SegmentTemplate media='{url}'/>");
    let (a, t_a) = (template("a"), template("T/a"));
    let foreign = "<BaseURL>https://other/</BaseURL>";
    check(&format!("{foreign}{a}<P>{a}</P>"), &format!("{foreign}{a}<P>{a}</P>"));
    check(&format!("<P>{foreign}{a}</P>{a}"), &format!("<P>{foreign}{a}</P>{t_a}"));
    check(
        &format!("{foreign}<P><BaseURL>x/</BaseURL>{a}</P>"),
        &format!("{foreign}<P><BaseURL>x/</BaseURL>{a}</P>"),
    );
    check(
        &format!("{foreign}<P><BaseURL>https://us/</BaseURL>{a}</P>"),
        &format!("{foreign}<P><BaseURL>https://us/T/</BaseURL>{t_a}</P>"),
    );
    // Of two alternatives a player may take either.
    check(
        &format!("{foreign}<BaseURL>x/</BaseURL>{a}"),
        &format!("{foreign}<BaseURL>T/x/</BaseURL>{a}"),
    );
    check(
        &format!("<BaseURL>x/</BaseURL>{foreign}{a}"),
        &format!("<BaseURL>T/x/</BaseURL>{foreign}{a}"),
    );
    // Absolute URLs speak for themselves, and an MPD reloads from where it came.
    check(
        &format!("{foreign}<Location>m</Location>{}", template("https://us/a")),
        &format!("{foreign}<Location>T/m</Location>{}", template("https://us/T/a")),
    );
}

#[test]
fn below_a_foreign_host_an_absolute_url_stays_absolute() {
    let rewrite_to = |answer: &str| {
        let body = "<BaseURL>https://other/</BaseURL><P><BaseURL>https://us/</BaseURL></P>";
        rewrite(&format!("<MPD>{body}</MPD>"), &mut |url| {
            (url == "https://us/").then(|| answer.to_owned())
        })
    };
    assert!(rewrite_to("https://us/T/").is_ok());
    assert_eq!(rewrite_to("/T/").unwrap_err().fault, MpdFault::Rewritten);
}

#[test]
fn a_template_keeps_its_identifiers() {
    check(
        "<SegmentTemplate media='$RepresentationID$/$Number%05d$-$Time$.m4s' index='$$1'/>",
        "<SegmentTemplate media='T/$RepresentationID$/$Number%05d$-$Time$.m4s' index='T/$$1'/>",
    );
    for (media, rewritten) in [
        ("$Number$", "x"),
        ("$Number$", "$Time$"),
        ("$Number$", "$Number$$Number$"),
        ("$Number$", "$Number$?t=a$b"),
        ("x", "x$Number$"),
        ("x$", "x$"),
    ] {
        let mpd = format!("<MPD><SegmentTemplate media='{media}'/></MPD>");
        let fault = rewrite(&mpd, &mut |_| Some(rewritten.to_owned())).unwrap_err().fault;
        assert_eq!(fault, MpdFault::Template, "{media} {rewritten}");
    }
    let dollars = rewrite("<MPD><SegmentTemplate media='$Time$'/></MPD>", &mut |url| {
        Some(format!("{url}?a=$$"))
    });
    assert!(dollars.is_ok());
}

#[test]
fn nothing_is_written_that_an_mpd_cannot_hold() {
    for answer in ["", "a\nb", "a\"b", "a<b", " a", "ftp://a"] {
        for mpd in ["<MPD><BaseURL>a</BaseURL></MPD>", "<MPD><SegmentURL media='a'/></MPD>"] {
            let fault = rewrite(mpd, &mut |_| Some(answer.to_owned())).unwrap_err().fault;
            assert_eq!(fault, MpdFault::Rewritten, "{answer}");
        }
    }
}

#[test]
fn whatever_could_fetch_or_mislead_is_refused() {
    check_refused("<!DOCTYPE MPD><MPD/>", MpdFault::Doctype);
    check_refused("<!DOCTYPE MPD [<!ENTITY a \"b\">]><MPD>&a;</MPD>", MpdFault::Doctype);
    check_refused("<MPD><!DOCTYPE x></MPD>", MpdFault::Doctype);
    check_refused("<MPD>&a;</MPD>", MpdFault::Entity);
    check_refused("<MPD a='&a;'/>", MpdFault::Entity);
    check_refused("<MPD a='&#0;'/>", MpdFault::Entity);
    check_refused("<MPD>&#1;</MPD>", MpdFault::Entity);
    check_refused("<MPD>&#xd800;</MPD>", MpdFault::Entity);
    check_refused("<MPD><Period xlink:href='a'/></MPD>", MpdFault::XLink);
    check_refused("<MPD xmlns:q='http://www.w3.org/1999/xlink' q:href='a'/>", MpdFault::XLink);
    check_refused("<?xml-stylesheet href='a'?><MPD/>", MpdFault::Instruction);
    check_refused("<MPD><?php a?></MPD>", MpdFault::Instruction);
    check_refused(" <?xml version='1.0'?><MPD/>", MpdFault::Instruction);
    check_refused("<?xml version='1.1'?><MPD/>", MpdFault::Encoding);
    check_refused("<?xml version='1.0' encoding='utf-16'?><MPD/>", MpdFault::Encoding);
    check_refused("<?xml encoding='utf-8'?><MPD/>", MpdFault::Encoding);
    check_refused("<?xml version='1.0' enco#ing='utf-8'?><MPD/>", MpdFault::Malformed);
    check_refused("<?xml encoding='utf-8' version='1.0'?><MPD/>", MpdFault::Malformed);
    check_refused("<?xml version='1.0' version='1.0'?><MPD/>", MpdFault::Malformed);
    check_refused("<MPD>\0</MPD>", MpdFault::Character);
    check_refused("<MPD>\u{ffff}</MPD>", MpdFault::Character);
    // Declaring the namespace, as ffmpeg does, refers to nothing.
    check(
        "<P xmlns:xlink='http://www.w3.org/1999/xlink'/>",
        "<P xmlns:xlink='http://www.w3.org/1999/xlink'/>",
    );
}

#[test]
fn there_is_one_root_and_nothing_beside_it() {
    check_refused("<MPD/><MPD/>", MpdFault::Unexpected);
    check_refused("<MPD></MPD>x", MpdFault::Unexpected);
    check_refused("x<MPD/>", MpdFault::Unexpected);
    check_refused("<MPD/>&amp;", MpdFault::Unexpected);
    check_refused("<MPD/><![CDATA[ ]]>", MpdFault::Unexpected);
    check_refused("<SmoothStreamingMedia/>", MpdFault::NoMpd);
    check_refused("", MpdFault::Malformed);
    check_refused("<!-- -->", MpdFault::Malformed);
    check_refused("<MPD>", MpdFault::Malformed);
    assert!(rewrite("<!-- -->\n<MPD/>\n<!-- -->", &mut ours).is_ok());
}

#[test]
fn a_url_is_text_and_nothing_else() {
    check_refused("<MPD><BaseURL>a<!-- x -->b</BaseURL></MPD>", MpdFault::Unexpected);
    check_refused("<MPD><BaseURL>a<b/></BaseURL></MPD>", MpdFault::Unexpected);
    check_refused("<MPD><BaseURL>a&b;</BaseURL></MPD>", MpdFault::Entity);
}

#[test]
fn xml_that_is_not_well_formed_is_refused() {
    for mpd in [
        "<MPD></mpd>",
        "<MPD></MPD></MPD>",
        "<MPD><a></MPD></a>",
        "<MPD a='1' a='2'/>",
        "<MPD a=1/>",
        "<MPD a/>",
        "<MPD a='<'/>",
        "<MPD><a<b></a<b></MPD>",
        "<MPD><1/></MPD>",
        "<MPD>]]></MPD>",
        "<MPD><!-- -- --></MPD>",
        "<MPD><!-- </MPD>",
        "<MPD 1='a'/>",
        "<MPD>&</MPD>",
        "<MPD",
    ] {
        check_refused(mpd, MpdFault::Malformed);
    }
}

#[test]
fn a_fault_is_placed_at_the_byte_where_it_begins() {
    let error = rewrite("\u{feff}<MPD><a/>&b;</MPD>", &mut ours).unwrap_err();
    assert_eq!((error.at, error.to_string().as_str()), (12, "an undeclared entity at byte 12"));
}

#[test]
fn each_limit_is_met_and_not_passed() {
    let nested = |depth: usize| {
        let inner = depth - 1;
        format!("<MPD>{}{}</MPD>", "<a>".repeat(inner), "</a>".repeat(inner))
    };
    assert!(rewrite(&nested(64), &mut ours).is_ok());
    check_refused(&nested(65), MpdFault::Limit("elements inside one another"));

    let many = |count: usize| format!("<MPD>{}</MPD>", "<a/>".repeat(count - 1));
    assert!(rewrite(&many(20_000), &mut ours).is_ok());
    check_refused(&many(20_001), MpdFault::Limit("elements"));

    let with = |prefix: &str, count: usize| {
        let mut mpd = String::from("<MPD");
        for number in 0..count {
            write!(mpd, " {prefix}{number}='x'").unwrap();
        }
        mpd + "/>"
    };
    assert!(rewrite(&with("a", 64), &mut ours).is_ok());
    check_refused(&with("a", 65), MpdFault::Limit("attributes"));
    assert!(rewrite(&with("xmlns:a", 32), &mut ours).is_ok());
    check_refused(&with("xmlns:a", 33), MpdFault::Limit("namespace declarations"));

    let long = |bytes: usize| format!("<MPD a='{}'/>", "x".repeat(bytes));
    assert!(rewrite(&long(64 << 10), &mut ours).is_ok());
    check_refused(&long((64 << 10) + 1), MpdFault::Limit("bytes of an attribute"));

    let text = |bytes: usize| format!("<MPD>{}</MPD>", "x".repeat(bytes));
    assert!(rewrite(&text(1 << 20), &mut ours).is_ok());
    check_refused(&text((1 << 20) + 1), MpdFault::Limit("bytes of text"));

    let url = |bytes: usize| format!("<MPD><BaseURL>{}</BaseURL></MPD>", "x".repeat(bytes));
    assert!(rewrite(&url(64 << 10), &mut ours).is_ok());
    check_refused(&url((64 << 10) + 1), MpdFault::Limit("bytes of a URL"));

    let comment = |bytes: usize| format!("<MPD/><!--{}-->", "x".repeat(bytes - 13));
    assert!(rewrite(&comment(8 << 20), &mut ours).is_ok());
    check_refused(&comment((8 << 20) + 1), MpdFault::Limit("bytes"));
}

#[test]
fn many_attributes_and_declarations_are_refused_quickly() {
    // 40,000 of either take seconds in readers that compare each with each.
    for prefix in ["a", "xmlns:a"] {
        let mut mpd = String::from("<MPD");
        (0..40_000).for_each(|number| write!(mpd, " {prefix}{number}='x'").unwrap());
        assert!(rewrite(&(mpd + "/>"), &mut ours).is_err());
    }
}

proptest! {
    #[test]
    fn no_text_makes_the_rewriter_panic(text in ".{0,200}") {
        let _ = rewrite(&text, &mut ours);
    }

    #[test]
    fn without_an_answer_nothing_changes(
        parts in prop::collection::vec(prop::sample::select(vec![
            "<BaseURL>a</BaseURL>", "<P>", "</P>", "<SegmentTemplate media='$Time$'/>", "&amp;",
            "<!-- x -->", "\r\n", "<![CDATA[x]]>", "<S t='1' d=\"2\"/>", "]]>", "<", "ä",
        ]), 0..12),
    ) {
        let mpd = format!("<MPD>{}</MPD>", parts.concat());
        if let Ok(rewritten) = rewrite(&mpd, &mut |_| None) {
            prop_assert_eq!(&rewritten, &mpd);
            // What was accepted once is accepted as rewritten.
            let tokens = rewrite(&mpd, &mut ours).unwrap();
            prop_assert!(rewrite(&tokens, &mut |_| None).is_ok());
            prop_assert_eq!(tokens.replace("T/", ""), mpd);
        }
    }
}
