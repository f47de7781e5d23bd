//! Tables of what people were seen to type, and properties of whatever else they may.

use super::*;
use crate::text::check_name;
use proptest::prelude::*;

/// Every character of a class of the other copy of the Unicode database.
fn all_of(class: &str) -> Vec<char> {
    let parsed = regex_syntax::Parser::new().parse(class).unwrap();
    let regex_syntax::hir::HirKind::Class(regex_syntax::hir::Class::Unicode(class)) = parsed.into_kind() else {
        panic!("{class} is no class")
    };
    class.ranges().iter().flat_map(|range| range.start()..=range.end()).collect()
}

/// What stands around and between what is typed: pasted, set by a keyboard, or by a program that shows codes.
const SEPARATORS: [&str; 26] = [
    " ", "\t", "\n", "\r\n", "\u{a0}", "\u{2009}", "\u{202f}", "\u{3000}", "-", "\u{2010}", "\u{2011}", "\u{2013}",
    "\u{2014}", "\u{2212}", "\u{ff0d}", ".", "\u{b7}", "\u{2022}", "\u{30fb}", ",", "\u{200e}", "\u{200f}", "\u{2068}",
    "\u{2069}", "\u{feff}", "\u{200b}",
];

#[test]
fn the_table_has_every_decimal_digit_and_nothing_else() {
    assert!(ZEROS.is_sorted());
    for digit in all_of(r"\p{Nd}") {
        assert!(ascii_digit(digit).is_some(), "{digit:?} U+{:04X}", u32::from(digit));
    }
    for zero in ZEROS {
        for value in 0..10 {
            let digit = char::from_u32(u32::from(zero) + value).unwrap();
            assert!(digit.is_numeric(), "{digit:?}");
            assert_eq!(ascii_digit(digit), char::from_digit(value, 10));
        }
    }
    for other in ['a', '²', '½', '①', 'Ⅷ', '〇', '一', '/', ':', '\u{65f}', '\u{66a}', '\u{10ffff}'] {
        assert_eq!(ascii_digit(other), None, "{other}");
    }
}

#[test]
fn codes_are_read_as_people_type_and_paste_them() {
    for text in [
        "605666",
        " 605666\n",
        "605 666",
        "605-666",
        "605\u{202f}666",
        "605.666",
        "605·666",
        "60 56 66",
        "605/666",
        "605,666",
        "٦٠٥٦٦٦",
        "۶۰۵۶۶۶",
        "६०५६६६",
        "৬০৫৬৬৬",
        "๖๐๕๖๖๖",
        "６０５６６６",
        "𝟔𝟎𝟓𝟔𝟔𝟔",
        "𝟼𝟶𝟻𝟼𝟼𝟼",
        "６０５－６６６",
        "\u{2068}605666\u{2069}",
        "\u{200f}٦٠٥ ٦٦٦\u{200f}",
        "\u{feff}605666",
        "“605666”",
        "(605 666).",
        "#605666",
        "6\u{fe0f}\u{20e3}05666",
        "605\u{ad}666",
        "605\u{2028}666",
        "605\u{3164}666",
        "٦٠٥-666",
    ] {
        assert_eq!(digits(text).as_deref(), Some("605666"), "{text:?}");
    }
    for text in [
        "6O5666",
        "60566x",
        "code: 605666",
        "605½66",
        "⑥05666",
        "6056六六",
        "605²66",
        "-605666",
        " +605666",
        "\u{200e}−605666",
        "－６０５６６６",
    ] {
        assert_eq!(digits(text), None, "{text:?}");
    }
    assert_eq!(digits("").as_deref(), Some(""));
}

#[test]
fn keys_lose_what_groups_them_and_nothing_that_could_mean_something() {
    for text in [
        "GEZD GNBV GY3T QOJQ",
        "GEZD-GNBV-GY3T-QOJQ",
        "GEZD–GNBV–GY3T–QOJQ",
        "GEZD\u{a0}GNBV\u{202f}GY3T\nQOJQ",
        "ＧＥＺＤ　ＧＮＢＶ　ＧＹ３Ｔ　ＱＯＪＱ",
        "GEZDGNBVGY٣TQOJQ",
        "\u{200e}GEZDGNBVGY3TQOJQ\u{200f}",
        "<GEZDGNBVGY3TQOJQ>",
        "“GEZD.GNBV.GY3T.QOJQ”",
        "GEZD·GNBV·GY3T·QOJQ",
        "GEZD:GNBV:GY3T:QOJQ,",
    ] {
        assert_eq!(key(text).as_str(), "GEZDGNBVGY3TQOJQ", "{text:?}");
    }
    for text in ["GEZD+NBV", "GEZD/NBV", "GEZD_NBV", "GEZD=NBV", "GEZD%NBV", "GEZDéNBV", "gezd8nbv==", "ＧＥＺＤ＋"]
    {
        assert_eq!(key(text).chars().count(), text.chars().count(), "{text:?}");
    }
}

#[test]
fn links_come_out_of_mails_and_sentences() {
    let good = "https://login.example/enrol#t=A-_a&k=Zz9_";
    for text in [
        format!("  {good}\r\n"),
        format!("<{good}>"),
        format!("<URL:{good}>"),
        format!("“{good}”."),
        format!("'{good}',"),
        format!("({good})"),
        format!("[{good}];"),
        format!("{good}."),
        format!("{good}!"),
        format!("\u{feff}{good}\u{200b}"),
        good.replace("t=A", "t=\r\nA"),
        good.replace("/enrol", "/en\n> rol"),
        good.replace("&k", " \n&k"),
        good.replace("login", "lo\u{ad}gin"),
        good.replace("&k=", "&amp;k="),
    ] {
        assert_eq!(link(&text).as_str(), good, "{text:?}");
    }
    for kept in ["https://login.example/enrol/", "https://login.example/enrol#t=A==", "otpauth://totp/a?secret=A", ""] {
        assert_eq!(link(kept).as_str(), kept);
    }
    assert_eq!(link("url:").as_str(), "");
}

#[test]
fn ids_are_found_in_what_was_copied() {
    for text in ["-aB_9-", " -aB_9-\n", "“-aB_9-”", "<-aB_9->", "\u{2011}aB_9\u{2013}", "－aB_９-", "-aB_\u{200b}9-,"]
    {
        assert_eq!(handle(text), "-aB_9-", "{text:?}");
    }
}

#[test]
fn names_are_cleaned_where_nothing_is_lost() {
    for (given, expected) in [
        ("iPhone ", "iPhone"),
        (
            "\u{1f3f4}\u{e0067}\u{e0062}\u{e0073}\u{e0063}\u{e0074}\u{e007f} phone",
            "\u{1f3f4}\u{e0067}\u{e0062}\u{e0073}\u{e0063}\u{e0074}\u{e007f} phone",
        ),
        ("هاتف مايا\u{200f}", "هاتف مايا"),
        ("Samsung®\u{fe0e} S24", "Samsung® S24"),
        ("Maya’s iPhone", "Maya’s iPhone"),
        ("📱", "📱"),
        ("\u{2068}Maya\u{2069}’s iPhone", "Maya’s iPhone"),
        ("Maya\u{a0}\u{202f}s\n\tphone", "Maya s phone"),
        ("\u{202e}enohp", "enohp"),
        ("may\u{ad}a\u{200b}\u{feff}", "maya"),
        ("گوشی می\u{200c}خواهم", "گوشی می\u{200c}خواهم"),
        ("അവന\u{d4d}\u{200d}", "അവന\u{d4d}\u{200d}"),
        ("👩\u{200d}🚀 ❤\u{fe0f}\u{200d}🔥 1\u{fe0f}\u{20e3}", "👩\u{200d}🚀 ❤\u{fe0f}\u{200d}🔥 1\u{fe0f}\u{20e3}"),
        ("Ma\u{200d}ya\u{200c}", "Maya"),
        ("葛\u{e0100}城", "葛城"),
        ("\u{1f3f4}\u{e0067}\u{e0062}\u{e007f}", "\u{1f3f4}"),
        ("a\u{0}b\u{1b}[31m", "ab[31m"),
    ] {
        assert_eq!(name(given).as_deref(), Some(expected), "{given:?}");
        assert_eq!(check_name(expected, "name"), Ok(()), "{expected:?}");
    }
    for nothing in ["", " \n", "\u{200d}", "\u{200f}", "\u{2800}", "\u{3164}", "\u{301}", "\u{e0067}\u{e007f}"] {
        assert_eq!(name(nothing), None, "{nothing:?}");
    }
}

#[test]
fn a_long_name_is_cut_between_what_a_person_sees_as_characters() {
    assert_eq!(name(&"é".repeat(101)).unwrap(), "é".repeat(100));
    let family = "👨\u{200d}👩\u{200d}👧\u{200d}👦";
    for (piece, before) in [(family, 97), ("🇨🇭", 99), ("e\u{301}", 99), ("👍🏽", 99), (text::TAGGED_FLAGS[1], 95)]
    {
        let long = format!("{}{piece}", "x".repeat(before));
        assert_eq!(name(&long).unwrap(), "x".repeat(before), "{piece}");
        let fitting = format!("{}{piece}", "x".repeat(100 - piece.chars().count()));
        assert_eq!(name(&fitting).unwrap(), fitting, "{piece}");
    }
    assert_eq!(name(&format!("{} phone", "x".repeat(99))).unwrap(), "x".repeat(99), "no space is left at the end");
    assert_eq!(name(&format!("a{}", "\u{301}".repeat(200))).unwrap().chars().count(), 100);
    let endless = format!("👩{}", "\u{200d}🏴".repeat(30)).replace('🏴', text::TAGGED_FLAGS[0]);
    assert_eq!(check_name(&name(&endless).unwrap(), "name"), Ok(()));
}

/// Text of every kind, with more than its share of what makes trouble.
fn anything() -> impl Strategy<Value = String> {
    let nasty = proptest::sample::select(vec![
        ' ',
        '\n',
        '\u{200d}',
        '\u{200c}',
        '\u{fe0f}',
        '\u{fe0e}',
        '\u{301}',
        '\u{200f}',
        '\u{2068}',
        '\u{202e}',
        '🏴',
        '\u{e0067}',
        '\u{e0062}',
        '\u{e0073}',
        '\u{e0063}',
        '\u{e0074}',
        '\u{e007f}',
        '👩',
        '🏽',
        '🇨',
        '٦',
        '６',
        'a',
        '0',
        '-',
        '=',
        '&',
        '<',
        ';',
        'ｕ',
        ':',
        '\u{94d}',
    ]);
    proptest::collection::vec(prop_oneof![nasty, any::<char>()], 0..160).prop_map(String::from_iter)
}

proptest! {
    #[test]
    fn all_is_done_at_once_and_nothing_panics(text in anything()) {
        if let Some(digits) = digits(&text) {
            prop_assert!(digits.bytes().all(|byte| byte.is_ascii_digit()));
            prop_assert_eq!(super::digits(&digits), Some(digits.clone()));
        }
        prop_assert_eq!(key(&key(&text)), key(&text));
        prop_assert_eq!(link(&text).chars().find(|one| one.is_whitespace()), None);
        prop_assert_eq!(handle(&handle(&text)), handle(&text));
        prop_assert_eq!(clean(&clean(&text)), clean(&text));
    }

    #[test]
    fn a_cleaned_name_can_be_shown_and_is_clean(text in anything()) {
        if let Some(cleaned) = name(&text) {
            prop_assert_eq!(check_name(&cleaned, "name"), Ok(()));
            prop_assert_eq!(name(&cleaned), Some(cleaned));
        } else {
            prop_assert!(!clean(&text).chars().any(text::shows_something));
        }
    }

    #[test]
    fn what_can_be_shown_is_changed_in_its_white_space_and_joiners_alone(text in anything()) {
        let solid = |text: &str| text.replace(|one: char| is_space(one) && !matches!(one, '\u{e0000}'..), "");
        if check_name(&text, "name").is_ok() {
            prop_assert_eq!(solid(&name(&text).unwrap()), solid(&text));
        }
    }

    #[test]
    fn a_code_in_any_script_and_with_any_separators_is_its_ascii_form(
        code in proptest::collection::vec((0_u32..10, 0..ZEROS.len(), 0..SEPARATORS.len(), any::<bool>()), 1..10),
        around in 0..SEPARATORS.len(),
    ) {
        let (mut typed, mut ascii) = (String::new(), String::new());
        for (value, script, separator, separated) in code {
            typed.push(char::from_u32(u32::from(ZEROS[script]) + value).unwrap());
            ascii.push(char::from_digit(value, 10).unwrap());
            if separated {
                typed.push_str(SEPARATORS[separator]);
            }
        }
        typed.push_str(SEPARATORS[around]);
        prop_assert_eq!(digits(&typed), Some(ascii.clone()));
        prop_assert_eq!(digits(&format!("\u{2068} {typed}\r\n")), Some(ascii));
    }

    #[test]
    fn a_key_in_groups_of_any_kind_is_its_plain_form(
        letters in proptest::collection::vec((0..32_usize, 0..SEPARATORS.len(), any::<bool>(), any::<bool>()), 1..64),
    ) {
        let (mut typed, mut plain) = (String::new(), String::new());
        for (value, separator, separated, wide) in letters {
            let letter = char::from(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[value]);
            plain.push(letter);
            typed.push(if wide { char::from_u32(u32::from(letter) + 0xfee0).unwrap() } else { letter });
            if separated {
                typed.push_str(SEPARATORS[separator]);
            }
        }
        let read = key(&typed);
        prop_assert_eq!(read.as_str(), plain);
    }
}
