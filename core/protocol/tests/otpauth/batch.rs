//! The accounts that Google Authenticator exports.

use crate::why;
use countersign_protocol::one_time_code::{Algorithm, Hotp, Secret, Totp};
use countersign_protocol::otpauth::{self, Found, Generator, LinkRefusal, Part, Warning};
use data_encoding::{BASE64, BASE64_NOPAD, BASE64URL_NOPAD};

const OF_THE_FIELD: &str = "otpauth-migration://offline?data=Ci8KCjEyMzQ1Njc4OTASFUFDTUU6bWF5YUBleGFtcGxlLm9yZxoEQUN\
                            NRSAAKAAwAgotChQxMjM0NTY3ODkwMTIzNDU2Nzg5MBIEbWF5YRoHQ291bnRlciABKAEwATgHEAEYASAA";

fn number(field: u8, value: u64) -> Vec<u8> {
    let mut bytes = vec![field << 3];
    let mut rest = value;
    while rest >= 0x80 {
        bytes.push((rest & 0x7f) as u8 | 0x80);
        rest >>= 7;
    }
    bytes.push(rest as u8);
    bytes
}

fn bytes(field: u8, value: &[u8]) -> Vec<u8> {
    [&[field << 3 | 2, u8::try_from(value.len()).unwrap()], value].concat()
}

/// An account of these numbers: algorithm, digits, kind.
fn account(name: &str, issuer: &str, secret: &[u8], numbers: [u64; 3]) -> Vec<u8> {
    let [algorithm, digits, kind] = numbers;
    let fields = [
        bytes(1, secret),
        bytes(2, name.as_bytes()),
        bytes(3, issuer.as_bytes()),
        number(4, algorithm),
        number(5, digits),
        number(6, kind),
    ];
    fields.concat()
}

fn batch(accounts: &[Vec<u8>], more: &[u8]) -> Vec<u8> {
    let mut payload: Vec<u8> = accounts.iter().flat_map(|account| bytes(1, account)).collect();
    payload.extend_from_slice(more);
    payload
}

fn read(payload: &[u8]) -> Result<Found, LinkRefusal> {
    let data = BASE64.encode(payload).replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
    otpauth::read(&format!("otpauth-migration://offline?data={data}"))
}

#[test]
fn the_batch_of_the_field_is_imported() {
    let Found { taken, not_taken, part } = otpauth::read(OF_THE_FIELD).unwrap();
    assert_eq!((not_taken, part), (vec![], None));
    let [maya, counter] = &taken[..] else { panic!("{taken:?}") };
    assert_eq!((maya.link.issuer(), maya.link.account()), (Some("ACME"), "maya@example.org"));
    let secret = Secret::foreign(b"1234567890").unwrap();
    assert!(*maya.link.generator() == Generator::Totp(Totp::new(secret, Algorithm::Sha1, 6, 30).unwrap()));
    assert_eq!((counter.link.issuer(), counter.link.account()), (Some("Counter"), "maya"));
    let secret = Secret::new(b"12345678901234567890").unwrap();
    let by_counter = Hotp::new(secret, Algorithm::Sha1, 6, 7).unwrap();
    assert_eq!(by_counter.code_at(7), "162583", "RFC 4226, appendix D");
    assert!(*counter.link.generator() == Generator::Hotp(by_counter));
}

#[test]
fn each_account_is_taken_or_says_why_not() {
    let secret = b"\xfb\xff\xfe1234567";
    let made = |numbers| account("ACME:maya", "ACME", secret, numbers);
    let table = [
        ([0, 0, 0], Ok((Algorithm::Sha1, 6))),
        ([1, 1, 2], Ok((Algorithm::Sha1, 6))),
        ([2, 2, 2], Ok((Algorithm::Sha256, 8))),
        ([3, 1, 2], Ok((Algorithm::Sha512, 6))),
        ([4, 1, 2], Err(LinkRefusal::Md5)),
        ([5, 1, 2], Err(LinkRefusal::Algorithm)),
        ([1, 3, 2], Err(LinkRefusal::Digits)),
        ([1, 1, 3], Err(LinkRefusal::UnknownType)),
    ];
    let all: Vec<Vec<u8>> = table.iter().map(|(numbers, _)| made(*numbers)).collect();
    let found = read(&batch(&all, &[])).unwrap();
    let (mut taken, mut not_taken) = (found.taken.iter(), found.not_taken.iter());
    for (numbers, expected) in table {
        match expected {
            Ok((algorithm, digits)) => {
                let totp = Totp::new(Secret::foreign(secret).unwrap(), algorithm, digits, 30).unwrap();
                let link = &taken.next().unwrap().link;
                assert!(*link.generator() == Generator::Totp(totp), "{numbers:?}");
                assert_eq!((link.issuer(), link.account()), (Some("ACME"), "maya"));
            }
            Err(why) => {
                let one = not_taken.next().unwrap();
                assert_eq!((one.name.as_str(), &one.why), ("ACME, maya", &why), "{numbers:?}");
            }
        }
    }
    assert!(taken.next().is_none() && not_taken.next().is_none());
}

#[test]
fn what_is_strange_in_one_account_leaves_the_others() {
    let good = account("maya", "", b"1234567890", [1, 1, 2]);
    let negative = [account("maya", "Forge", b"1234567890", [1, 1, 1]), number(7, u64::MAX)].concat();
    let empty = account("maya", "Forge", b"", [1, 1, 2]);
    let short = account("\u{200b}noor\n", "", b"1", [1, 1, 2]);
    let newer = [good.clone(), bytes(8, b"unique"), vec![9 << 3 | 5, 1, 2, 3, 4], vec![10 << 3 | 1; 9]].concat();
    let damaged = vec![0xff; 20];
    let found = read(&batch(&[good, negative, empty, damaged, short, newer], &[])).unwrap();
    let taken: Vec<_> = found.taken.iter().map(|one| (one.link.account(), &one.warnings[..])).collect();
    assert_eq!(taken, [("maya", &[][..]), ("noor", &[Warning::ShortSecret]), ("maya", &[])]);
    let not_taken: Vec<_> = found.not_taken.into_iter().map(|one| one.why).collect();
    assert_eq!(not_taken, [LinkRefusal::Counter, LinkRefusal::NoSecret, LinkRefusal::Batch]);
}

#[test]
fn a_part_of_several_says_so() {
    let one = [account("maya", "", b"1234567890", [1, 1, 2])];
    let of = |size, index| [number(2, 1), number(3, size), number(4, index), number(5, u64::MAX)].concat();
    for (size, index, expected) in
        [(3, 0, Some((1, 3))), (3, 2, Some((3, 3))), (1, 0, None), (0, 0, None), (2, 5, None), (u64::MAX, 0, None)]
    {
        let part = read(&batch(&one, &of(size, index))).unwrap().part;
        assert_eq!(part.map(|Part { number, of }| (number, of)), expected, "{index} of {size}");
    }
}

#[test]
fn the_data_is_read_however_it_was_encoded_on_the_way() {
    let payload = batch(&[account("mayaü>>>", "ÿÿ>?", &[0xfb, 0xef, 0xbe, 1, 2, 3, 4, 5, 6, 7], [1, 1, 2])], &[]);
    let expected = read(&payload).unwrap();
    let standard = BASE64.encode(&payload);
    assert!(standard.contains('+') && standard.contains('/'), "the alphabets differ in it: {standard}");
    for data in [
        standard.clone(),
        standard.replace('+', " "),
        standard.replace('+', "%20"),
        standard.replace('=', "%3D"),
        BASE64_NOPAD.encode(&payload),
        BASE64URL_NOPAD.encode(&payload),
        standard.replace('+', "%252B").replace('/', "%252F"),
    ] {
        for text in [
            format!("otpauth-migration://offline?data={data}"),
            format!("OTPAUTH-MIGRATION://offline/?data={data}&x=1"),
            format!("otpauth-migration://offline?x=1&amp;data={data}"),
        ] {
            assert_eq!(otpauth::read(&text).as_ref(), Ok(&expected), "{text}");
        }
    }
}

#[test]
fn a_damaged_batch_is_refused_as_a_whole() {
    let payload = batch(&[account("maya", "ACME", b"1234567890", [1, 1, 2])], &number(3, 1));
    for cut in 0..payload.len() - 2 {
        assert_eq!(read(&payload[..cut]), Err(LinkRefusal::Batch), "{cut}");
    }
    for data in ["", "!!!!", "Ci8KCjEy", "data", "%ff"] {
        assert_eq!(why(&format!("otpauth-migration://offline?data={data}")), LinkRefusal::Batch, "{data}");
    }
    assert_eq!(why("otpauth-migration://offline?secret=JBSWY3DPEHPK3PXP"), LinkRefusal::Batch);
    for strange in [vec![0xff; 11], vec![0x0b], [vec![0x08], vec![0xff; 9], vec![0x02]].concat()] {
        assert_eq!(read(&strange), Err(LinkRefusal::Batch), "{strange:?}");
    }
}
