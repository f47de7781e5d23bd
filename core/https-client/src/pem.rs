//! PEM (RFC 7468) as people have it: saved by an editor that begins files with a byte order mark, copied through a web
//! form, a variable or a JSON string that made `\n` or a space of each line's end, indented, quoted, without a last
//! line.
//!
//! The armour and the base64 between it say everything, so all that stands around them can be left out. What cannot be
//! read is named by its real cause, and no cause repeats a part of the text.

use data_encoding::BASE64_NOPAD;
use zeroize::Zeroizing;

/// One block of a text.
pub struct Block {
    /// What it says it is: `PRIVATE KEY`, `CERTIFICATE`.
    pub label: String,
    /// What is in it.
    pub der: Zeroizing<Vec<u8>>,
}

/// Why a text is not PEM.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotPem {
    /// There is nothing in it.
    #[error("it is empty")]
    Empty,
    /// It is not text in UTF-8 or UTF-16.
    #[error("it is not text, but perhaps the binary form (DER); what is needed is PEM")]
    Binary,
    /// No block begins in it.
    #[error("it holds no -----BEGIN …-----")]
    NoBlock,
    /// A block has no end.
    #[error("it is cut off: there is no -----END {0}-----")]
    Cut(String),
    /// What stands between begin and end is no base64.
    #[error("it is damaged: between BEGIN and END {0} is something else than base64")]
    Damaged(String),
    /// A block is encrypted with a passphrase.
    #[error(
        "its key is encrypted with a passphrase, and nobody is there to type it; write it without one: \
         openssl pkcs8 -topk8 -nocrypt -in FILE -out NEW_FILE"
    )]
    Encrypted,
}

/// The text of a file, without the byte order mark that some editors put before it; UTF-16 where the mark says so.
///
/// # Errors
/// [`NotPem::Empty`], [`NotPem::Binary`].
pub fn text(bytes: &[u8]) -> Result<Zeroizing<String>, NotPem> {
    let wide = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let units: Zeroizing<Vec<u16>> = Zeroizing::new(bytes.as_chunks().0.iter().map(|pair| unit(*pair)).collect());
        String::from_utf16(&units).ok()
    };
    let text = match bytes {
        [0xff, 0xfe, rest @ ..] => wide(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => wide(rest, u16::from_be_bytes),
        _ => std::str::from_utf8(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)).ok().map(str::to_owned),
    };
    let text = Zeroizing::new(text.ok_or(NotPem::Binary)?);
    if text.trim().is_empty() { Err(NotPem::Empty) } else { Ok(text) }
}

/// Every block of a file.
///
/// # Errors
/// [`NotPem`]. A text with at least one block that can be read is not refused for its rest.
pub fn blocks(bytes: &[u8]) -> Result<Vec<Block>, NotPem> {
    let text = text(bytes)?;
    let (mut rest, mut blocks, mut wrong) = (text.as_str(), Vec::new(), None);
    while let Some((_, after)) = rest.split_once("-----BEGIN ") {
        let Some((label, after)) = after.split_once("-----") else {
            wrong = wrong.or(Some(NotPem::NoBlock));
            break;
        };
        let label = label.trim().to_owned();
        let Some((body, after)) = after.split_once("-----END ") else {
            wrong = wrong.or(Some(NotPem::Cut(shown(&label))));
            break;
        };
        rest = after;
        match decode(&label, body) {
            Ok(der) => blocks.push(Block { label, der }),
            Err(error) => wrong = wrong.or(Some(error)),
        }
    }
    if blocks.is_empty() { Err(wrong.unwrap_or(NotPem::NoBlock)) } else { Ok(blocks) }
}

/// A label for a sentence: nobody knows what stands where one should be.
fn shown(label: &str) -> String {
    let plain = label.len() <= 40 && label.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b' ');
    if plain { label.to_owned() } else { "…".to_owned() }
}

fn decode(label: &str, body: &str) -> Result<Zeroizing<Vec<u8>>, NotPem> {
    // RFC 1421 puts what a key is encrypted with in headers before it, RFC 5958 makes it a label of its own.
    if label.starts_with("ENCRYPTED") || body.contains("ENCRYPTED") {
        return Err(NotPem::Encrypted);
    }
    let damaged = || NotPem::Damaged(shown(label));
    let base64 = Zeroizing::new(base64_alone(body).ok_or_else(damaged)?);
    let der = BASE64_NOPAD.decode(base64.as_bytes()).map(Zeroizing::new).map_err(|_| damaged())?;
    if der.is_empty() { Err(damaged()) } else { Ok(der) }
}

/// The digits of base64 in a body: without white space, quotes, padding, and line ends that are written as `\n`,
/// however many strings were put into strings. None when there is anything else.
fn base64_alone(body: &str) -> Option<String> {
    let (mut digits, mut characters) = (String::with_capacity(body.len()), body.chars().peekable());
    while let Some(character) = characters.next() {
        match character {
            'A'..='Z' | 'a'..='z' | '0'..='9' | '+' | '/' => digits.push(character),
            '\\' => {
                while characters.next_if_eq(&'\\').is_some() {}
                characters.next_if(|next| matches!(next, 'n' | 'r' | 't'));
            }
            '=' | '"' | '\'' | ',' | '\u{feff}' | '\u{200b}' => {}
            space if space.is_whitespace() => {}
            _ => return None,
        }
    }
    Some(digits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use data_encoding::BASE64;

    const DER: &[u8] =
        b"any bytes, of which there are more than fit on one line of sixty-four characters: 0123456789\xff";

    fn armoured(end: &str) -> String {
        let base64 = BASE64.encode(DER);
        let lines: Vec<&str> = base64.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
        format!("-----BEGIN PRIVATE KEY-----{end}{}{end}-----END PRIVATE KEY-----{end}", lines.join(end))
    }

    fn utf_16(text: &str, mark: [u8; 2], bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        mark.into_iter().chain(text.encode_utf16().flat_map(bytes)).collect()
    }

    #[test]
    fn a_block_is_read_in_every_form_in_which_people_have_it() {
        let plain = armoured("\n");
        let indented = plain.lines().map(|line| format!("    {line}\n")).collect::<String>();
        for (what, bytes) in [
            ("as it should be", plain.clone().into_bytes()),
            ("without its last line end", plain.trim_end().into()),
            ("with the line ends of Windows", armoured("\r\n").into()),
            ("with the line ends of an old Mac", armoured("\r").into()),
            ("with spaces for line ends", armoured(" ").into()),
            ("on one line", armoured("").into()),
            ("with \\n for line ends", armoured("\\n").into()),
            ("with \\r\\n for line ends", armoured("\\r\\n").into()),
            ("with \\\\n for line ends", armoured("\\\\n").into()),
            ("with a backslash before each line end", armoured("\\\n").into()),
            ("indented", indented.clone().into_bytes()),
            ("indented with tabs", indented.replace("    ", "\t").into()),
            ("with blank lines", armoured("\n\n").into()),
            ("with trailing spaces", armoured("  \n").into()),
            ("in quotes", format!("\"{plain}\"").into()),
            ("in single quotes, with \\n", format!("'{}'", armoured("\\n")).into()),
            ("each line in quotes", plain.lines().map(|line| format!("\"{line}\",\n")).collect::<String>().into()),
            ("after a byte order mark", [b"\xef\xbb\xbf", plain.as_bytes()].concat()),
            ("in UTF-16, as Windows writes it", utf_16(&plain, [0xff, 0xfe], u16::to_le_bytes)),
            ("in UTF-16, the other way", utf_16(&plain, [0xfe, 0xff], u16::to_be_bytes)),
            ("after words of openssl", format!("Bag Attributes\n    friendlyName: key\n{plain}").into()),
            ("as a value", format!("KEY=\"{}\"", armoured("\\n")).into()),
            ("without padding", plain.replace('=', "").into()),
        ] {
            let blocks = blocks(&bytes).unwrap_or_else(|error| panic!("{what}: {error}"));
            assert_eq!((blocks.len(), blocks[0].label.as_str(), &**blocks[0].der), (1, "PRIVATE KEY", DER), "{what}");
        }
    }

    #[test]
    fn what_is_no_pem_is_named_by_its_cause() {
        let plain = armoured("\n");
        let cut = plain.split("-----END").next().unwrap().to_owned();
        let headers = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nAAAA\n\
                       -----END RSA PRIVATE KEY-----\n";
        let key = "PRIVATE KEY".to_owned();
        for (bytes, expected) in [
            (Vec::new(), NotPem::Empty),
            (b"\xef\xbb\xbf \r\n\t".to_vec(), NotPem::Empty),
            (b"\x30\x81\x93\x02\x01\x00".to_vec(), NotPem::Binary),
            (b"{\"type\": \"service_account\"}".to_vec(), NotPem::NoBlock),
            (b"-----BEGIN PRIVATE KEY".to_vec(), NotPem::NoBlock),
            (cut.into_bytes(), NotPem::Cut(key.clone())),
            (plain.replace("-----END", "secret!\n-----END").into(), NotPem::Damaged(key.clone())),
            (b"-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----".to_vec(), NotPem::Damaged(key)),
            (plain.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY").into(), NotPem::Encrypted),
            (headers.as_bytes().to_vec(), NotPem::Encrypted),
        ] {
            let Err(found) = blocks(&bytes) else { panic!("it is read: {expected}") };
            assert_eq!(found, expected);
            assert!(!found.to_string().contains("secret"), "{found}");
        }
    }

    #[test]
    fn each_block_of_a_text_is_read_and_one_that_is_wrong_costs_no_other() {
        let certificate = armoured("\n").replace("PRIVATE KEY", "CERTIFICATE");
        let wrong = "-----BEGIN X-----\n?\n-----END X-----\n";
        let text = format!("{wrong}{certificate}between them\n{}", armoured("\n"));
        let labels: Vec<String> = blocks(text.as_bytes()).unwrap().into_iter().map(|block| block.label).collect();
        assert_eq!(labels, ["CERTIFICATE", "PRIVATE KEY"]);
    }
}
