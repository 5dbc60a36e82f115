"""Tokens of other people's libraries verify with Portcullis, and ours with theirs.

    tokens.py --program PATH

Asks the libraries in tests/interop/tokens (Python and Node) for good tokens, gives them and a
spoilt twin of each to `portcullis token verify --batch`, then issues tokens with `portcullis
token issue` and lets the libraries judge them. Prints a line per failure and one with totals.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

FOLDER = pathlib.Path(__file__).parent / "tokens"
sys.path.insert(0, str(FOLDER))

import judge  # noqa: E402  (it lies in that folder)


def made_by_others():
    for command in [[sys.executable, FOLDER / "make.py"], ["node", FOLDER / "make.mjs"]]:
        lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        for line in lines.splitlines():
            yield json.loads(line)["case"]


def spoilt(case):
    """The same case with one character of its signature changed."""

    def change(text, end):
        place = end - 12
        other = "A" if text[place] != "A" else "B"
        if all(digit in "0123456789abcdef" for digit in text[place - 8:end].lower()):
            other = "0" if text[place] != "0" else "1"
        return text[:place] + other + text[place + 1:]

    def change_value(text, name, mark):
        start = text.index(name + "=")
        end = text.find(mark, start)
        return change(text, end if end > 0 else len(text))

    twin = dict(case, id=case["id"] + "-spoilt")
    if "token" in case:
        twin["token"] = change(case["token"], len(case["token"]))
    elif "headers" in case:
        cookie = case["headers"]["cookie"]
        twin["headers"] = {"cookie": change_value(cookie, "CloudFront-Signature", ";")}
    else:
        twin["url"] = change_value(case["url"], "Signature", "&")
    return twin


def verify(program, cases):
    text = "".join(json.dumps(case) + "\n" for case in cases)
    run = subprocess.run(
        [program, "token", "verify", "--batch"], input=text, capture_output=True, text=True
    )
    answers = [json.loads(line) for line in run.stdout.splitlines()]
    if [answer["id"] for answer in answers] != [case["id"] for case in cases]:
        sys.exit(f"the answers are not in order: {run.stderr}")
    return answers


def check_theirs(program):
    good = list(made_by_others())
    cases = [twin for case in good for twin in (case, spoilt(case))]
    passed = failed = 0
    for case, answer in zip(cases, verify(program, cases)):
        wanted = "refuse" if case["id"].endswith("-spoilt") else "accept"
        if answer["verdict"] == wanted:
            passed += 1
        else:
            failed += 1
            print(f"FAILED {case['id']}: {wanted} was expected: {json.dumps(answer)}")
    print(f"{len(good)} tokens of other libraries, each with a spoilt twin")
    return passed, failed


def check_ours(program):
    """Every judge says what it wants issued, and why the token is wrong, if it is."""
    passed = failed = 0
    with tempfile.TemporaryDirectory() as folder:
        for wish in judge.wishes(pathlib.Path(folder)):
            command = [program, "token", "issue", wish.family, *wish.options]
            run = subprocess.run(command, capture_output=True, text=True)
            fault = run.stderr.strip() if run.returncode else wish.judge(run.stdout.strip())
            if fault is None:
                passed += 1
            else:
                failed += 1
                print(f"FAILED {wish.name}: {fault}")
    print(f"{passed + failed} tokens of ours, judged by other libraries")
    return passed, failed


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--program", required=True)
    program = arguments.parse_args().program
    passed, failed = (sum(pair) for pair in zip(check_theirs(program), check_ours(program)))
    print(f"interop: {passed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
