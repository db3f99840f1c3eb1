//! Character sets of clients, and texts between them and UTF-8, in which the server keeps everything. It knows no
//! message. <https://www.postgresql.org/docs/16/multibyte.html>

use std::borrow::Cow;

use encoding_rs::{
    BIG5, Decoder, DecoderResult, EUC_JP, EUC_KR, EncoderResult, GB18030, GBK, IBM866, ISO_8859_2,
    ISO_8859_3, ISO_8859_4, ISO_8859_5, ISO_8859_6, ISO_8859_7, ISO_8859_8, ISO_8859_10,
    ISO_8859_13, ISO_8859_14, ISO_8859_15, ISO_8859_16, KOI8_R, KOI8_U, SHIFT_JIS, WINDOWS_874,
    WINDOWS_1250, WINDOWS_1251, WINDOWS_1252, WINDOWS_1253, WINDOWS_1254, WINDOWS_1255,
    WINDOWS_1256, WINDOWS_1257, WINDOWS_1258,
};

use super::error::{Error, ErrorKind, Result};

/// How the bytes of a character set become characters.
#[derive(Debug, Clone, Copy)]
enum Form {
    /// The server's own, whose texts pass as they are.
    Same,
    /// Every byte is the character of its number, but for those that are named.
    Bytes(&'static [(u8, char)]),
    Table(&'static encoding_rs::Encoding),
    /// A table whose controls from 0x80 to 0x9f are bytes without a character.
    Windows(&'static encoding_rs::Encoding),
    /// A table of which the characters with both bytes from 0xa1 on count.
    HighBytes(&'static encoding_rs::Encoding),
}

/// What ISO 8859-9 has otherwise than ISO 8859-1.
const TURKISH: &[(u8, char)] =
    &[(0xd0, 'Ğ'), (0xdd, 'İ'), (0xde, 'Ş'), (0xf0, 'ğ'), (0xfd, 'ı'), (0xfe, 'ş')];

struct Known {
    name: &'static str,
    /// Names that mean the same, in letters and digits alone.
    others: &'static [&'static str],
    form: Form,
}

const fn known(name: &'static str, others: &'static [&'static str], form: Form) -> Known {
    Known { name, others, form }
}

const KNOWN: &[Known] = &[
    known("UTF8", &["utf8", "unicode"], Form::Same),
    known("SQL_ASCII", &["sqlascii"], Form::Same),
    known("LATIN1", &["latin1", "iso88591"], Form::Bytes(&[])),
    known("LATIN2", &["latin2", "iso88592"], Form::Table(ISO_8859_2)),
    known("LATIN3", &["latin3", "iso88593"], Form::Table(ISO_8859_3)),
    known("LATIN4", &["latin4", "iso88594"], Form::Table(ISO_8859_4)),
    known("LATIN5", &["latin5", "iso88599"], Form::Bytes(TURKISH)),
    known("LATIN6", &["latin6", "iso885910"], Form::Table(ISO_8859_10)),
    known("LATIN7", &["latin7", "iso885913"], Form::Table(ISO_8859_13)),
    known("LATIN8", &["latin8", "iso885914"], Form::Table(ISO_8859_14)),
    known("LATIN9", &["latin9", "iso885915"], Form::Table(ISO_8859_15)),
    known("LATIN10", &["latin10", "iso885916"], Form::Table(ISO_8859_16)),
    known("ISO_8859_5", &["iso88595"], Form::Table(ISO_8859_5)),
    known("ISO_8859_6", &["iso88596"], Form::Table(ISO_8859_6)),
    known("ISO_8859_7", &["iso88597"], Form::Table(ISO_8859_7)),
    known("ISO_8859_8", &["iso88598"], Form::Table(ISO_8859_8)),
    known("WIN866", &["win866", "alt", "windows866"], Form::Table(IBM866)),
    known("WIN874", &["win874", "windows874"], Form::Windows(WINDOWS_874)),
    known("WIN1250", &["win1250", "windows1250"], Form::Windows(WINDOWS_1250)),
    known("WIN1251", &["win1251", "win", "windows1251"], Form::Windows(WINDOWS_1251)),
    known("WIN1252", &["win1252", "windows1252"], Form::Windows(WINDOWS_1252)),
    known("WIN1253", &["win1253", "windows1253"], Form::Windows(WINDOWS_1253)),
    known("WIN1254", &["win1254", "windows1254"], Form::Windows(WINDOWS_1254)),
    known("WIN1255", &["win1255", "windows1255"], Form::Windows(WINDOWS_1255)),
    known("WIN1256", &["win1256", "windows1256"], Form::Windows(WINDOWS_1256)),
    known("WIN1257", &["win1257", "windows1257"], Form::Windows(WINDOWS_1257)),
    known(
        "WIN1258",
        &["win1258", "abc", "tcvn", "tcvn5712", "vscii", "windows1258"],
        Form::Windows(WINDOWS_1258),
    ),
    known("KOI8R", &["koi8r", "koi8"], Form::Table(KOI8_R)),
    known("KOI8U", &["koi8u"], Form::Table(KOI8_U)),
    known("EUC_JP", &["eucjp"], Form::Table(EUC_JP)),
    known("SJIS", &["sjis", "shiftjis", "mskanji", "win932", "windows932"], Form::Table(SHIFT_JIS)),
    known("EUC_KR", &["euckr"], Form::HighBytes(EUC_KR)),
    known("UHC", &["uhc", "win949", "windows949"], Form::Table(EUC_KR)),
    known("EUC_CN", &["euccn"], Form::HighBytes(GBK)),
    known("GBK", &["gbk", "win936", "windows936"], Form::Table(GBK)),
    known("GB18030", &["gb18030"], Form::Table(GB18030)),
    known("BIG5", &["big5", "win950", "windows950"], Form::Table(BIG5)),
];

/// PostgreSQL's encodings that are not here.
const ELSEWHERE: &[&str] =
    &["euctw", "eucjis2004", "shiftjis2004", "johab", "muleinternal", "win1259"];

/// A client's character set.
#[derive(Clone, Copy)]
pub struct Encoding(&'static Known);

impl Default for Encoding {
    fn default() -> Self {
        const UTF8: &Known = &known("UTF8", &["utf8", "unicode"], Form::Same);
        Encoding(UTF8)
    }
}

impl PartialEq for Encoding {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for Encoding {}

impl std::fmt::Debug for Encoding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl Encoding {
    /// The encoding of that name, of which letters and digits count. 22023 for none, 0A000 for one that is not here.
    pub fn parse(name: &str) -> Result<Encoding> {
        let word: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
        let word = word.to_ascii_lowercase();
        match KNOWN.iter().find(|known| known.others.contains(&word.as_str())) {
            Some(known) => Ok(Encoding(known)),
            None if ELSEWHERE.contains(&word.as_str()) => {
                Err(Error::unsupported(format!("the encoding \"{name}\"")))
            }
            None => Err(Error::new(
                ErrorKind::InvalidParameterValue,
                format!("invalid encoding name \"{name}\""),
            )),
        }
    }

    /// PostgreSQL's name.
    pub fn name(self) -> &'static str {
        self.0.name
    }

    /// Whether texts pass as they are.
    pub fn is_same(self) -> bool {
        matches!(self.0.form, Form::Same)
    }

    /// A client's text, which is all there.
    pub fn decode(self, bytes: &[u8]) -> Result<Cow<'_, str>> {
        if self.is_same() {
            return std::str::from_utf8(bytes).map(Cow::Borrowed).map_err(|error| {
                let rest = bytes.get(error.valid_up_to()..).unwrap_or_default();
                self.invalid(rest.get(..error.error_len().unwrap_or(rest.len())).unwrap_or(rest))
            });
        }
        if let Ok(text) = std::str::from_utf8(bytes)
            && text.is_ascii()
        {
            return Ok(Cow::Borrowed(text));
        }
        let mut text = String::with_capacity(bytes.len() * 2);
        self.stream().push(bytes, true, &mut text)?;
        Ok(Cow::Owned(text))
    }

    /// A reader of a client's text that comes in parts.
    pub fn stream(self) -> TextStream {
        let decoder = match self.0.form {
            Form::Same | Form::Bytes(_) => None,
            Form::Table(table) | Form::Windows(table) | Form::HighBytes(table) => {
                Some(table.new_decoder_without_bom_handling())
            }
        };
        TextStream { encoding: self, decoder, pending: Vec::new() }
    }

    /// Writes a text for the client. 22P05 for a character that the client's set has not.
    pub fn encode(self, text: &str, out: &mut Vec<u8>) -> Result<()> {
        for character in text.chars() {
            if !self.put(character, out) {
                return Err(self.untranslatable(character));
            }
        }
        Ok(())
    }

    /// The same, with `?` for what the client's set has not.
    pub fn encode_lossy(self, text: &str, out: &mut Vec<u8>) {
        for character in text.chars() {
            if !self.put(character, out) {
                out.push(b'?');
            }
        }
    }

    fn put(self, character: char, out: &mut Vec<u8>) -> bool {
        let mut utf8 = [0; 4];
        let text = character.encode_utf8(&mut utf8);
        if character.is_ascii() {
            out.extend_from_slice(text.as_bytes());
            return true;
        }
        let is_control = ('\u{80}'..='\u{9f}').contains(&character);
        let (table, is_valid): (_, fn(&[u8]) -> bool) = match self.0.form {
            Form::Same => {
                out.extend_from_slice(text.as_bytes());
                return true;
            }
            Form::Bytes(named) => {
                let own = named.iter().find(|(_, one)| *one == character).map(|(byte, _)| *byte);
                let number = u8::try_from(u32::from(character)).ok();
                let number = number.filter(|byte| named.iter().all(|(taken, _)| taken != byte));
                out.extend(own.or(number));
                return own.or(number).is_some();
            }
            Form::Windows(_) if is_control => return false,
            Form::Table(table) | Form::Windows(table) => (table, |_| true),
            Form::HighBytes(table) => (table, |bytes| bytes.iter().all(|byte| *byte >= 0xa1)),
        };
        let mut bytes = [0; 8];
        let mut encoder = table.new_encoder();
        let (result, _, written) =
            encoder.encode_from_utf8_without_replacement(text, &mut bytes, true);
        let bytes = bytes.get(..written).unwrap_or_default();
        let is_whole = matches!(result, EncoderResult::InputEmpty) && is_valid(bytes);
        if is_whole {
            out.extend_from_slice(bytes);
        }
        is_whole
    }

    fn invalid(self, bytes: &[u8]) -> Error {
        let message =
            format!("invalid byte sequence for encoding \"{}\": {}", self.name(), shown(bytes));
        Error::new(ErrorKind::CharacterNotInRepertoire, message)
    }

    fn unknown(self, bytes: &[u8]) -> Error {
        let message = format!(
            "character with byte sequence {} in encoding \"{}\" has no equivalent in encoding \"UTF8\"",
            shown(bytes),
            self.name()
        );
        Error::new(ErrorKind::UntranslatableCharacter, message)
    }

    fn untranslatable(self, character: char) -> Error {
        let message = format!(
            "character with byte sequence {} in encoding \"UTF8\" has no equivalent in encoding \"{}\"",
            shown(character.encode_utf8(&mut [0; 4]).as_bytes()),
            self.name()
        );
        Error::new(ErrorKind::UntranslatableCharacter, message)
    }
}

fn shown(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("0x{byte:02x}")).collect::<Vec<_>>().join(" ")
}

/// A client's text that comes in parts, which may cut characters.
pub struct TextStream {
    encoding: Encoding,
    decoder: Option<Decoder>,
    /// The start of a character whose end has not come yet, where texts pass as they are.
    pending: Vec<u8>,
}

impl TextStream {
    /// Writes what is there of the text. `is_last` says that no more comes.
    pub fn push(&mut self, bytes: &[u8], is_last: bool, out: &mut String) -> Result<()> {
        match (&mut self.decoder, self.encoding.0.form) {
            (None, Form::Bytes(named)) => {
                let character = |byte: &u8| {
                    let own = named.iter().find(|(other, _)| other == byte);
                    own.map_or(char::from(*byte), |(_, character)| *character)
                };
                out.extend(bytes.iter().map(character));
                Ok(())
            }
            (None, _) => self.pass(bytes, is_last, out),
            (Some(decoder), form) => decode(self.encoding, form, decoder, bytes, is_last, out),
        }
    }

    fn pass(&mut self, bytes: &[u8], is_last: bool, out: &mut String) -> Result<()> {
        self.pending.extend_from_slice(bytes);
        let length = match std::str::from_utf8(&self.pending) {
            Ok(text) => text.len(),
            Err(error) if error.error_len().is_none() && !is_last => error.valid_up_to(),
            Err(_) => return self.encoding.decode(&self.pending).map(drop),
        };
        let whole: Vec<u8> = self.pending.drain(..length).collect();
        out.push_str(&self.encoding.decode(&whole)?);
        Ok(())
    }
}

fn decode(
    encoding: Encoding,
    form: Form,
    decoder: &mut Decoder,
    bytes: &[u8],
    is_last: bool,
    out: &mut String,
) -> Result<()> {
    let start = out.len();
    let mut rest = bytes;
    let mut at = 0;
    loop {
        let needed = decoder.max_utf8_buffer_length_without_replacement(rest.len()).unwrap_or(0);
        out.reserve(needed.max(16));
        let (result, read) = decoder.decode_to_string_without_replacement(rest, out, is_last);
        at += read;
        rest = rest.get(read..).unwrap_or_default();
        match result {
            DecoderResult::InputEmpty => break,
            DecoderResult::OutputFull => {}
            DecoderResult::Malformed(length, after) => {
                let end = at.saturating_sub(usize::from(after));
                let begin = end.saturating_sub(usize::from(length));
                let wrong = bytes.get(begin..end).unwrap_or_default();
                let is_single =
                    matches!(form, Form::Windows(_)) || encoding.name().starts_with('L');
                return Err(if is_single {
                    encoding.unknown(wrong)
                } else {
                    encoding.invalid(wrong)
                });
            }
        }
    }
    let written = out.get(start..).unwrap_or_default();
    let control = written.chars().find(|one| ('\u{80}'..='\u{9f}').contains(one));
    match (form, control) {
        (Form::Windows(_), Some(control)) => {
            Err(encoding.unknown(&[u8::try_from(u32::from(control)).unwrap_or_default()]))
        }
        (Form::HighBytes(_), _) if bytes.iter().any(|byte| (0x80..0xa1).contains(byte)) => {
            let wrong = bytes.iter().copied().find(|byte| (0x80..0xa1).contains(byte));
            Err(encoding.invalid(wrong.as_slice()))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_go_both_ways() {
        for (name, text, bytes) in [
            ("latin1", "é\u{85}", &b"\xe9\x85"[..]),
            ("iso-8859-15", "€é", b"\xa4\xe9"),
            ("WIN1252", "€é", b"\x80\xe9"),
            ("latin5", "ğé", b"\xf0\xe9"),
            ("KOI8-R", "Привет", b"\xf0\xd2\xc9\xd7\xc5\xd4"),
            ("win1251", "Привет", b"\xcf\xf0\xe8\xe2\xe5\xf2"),
            ("EUC_JP", "日本", b"\xc6\xfc\xcb\xdc"),
            ("SJIS", "日本ソ", b"\x93\xfa\x96\x7b\x83\x5c"),
            ("GBK", "中文", b"\xd6\xd0\xce\xc4"),
            ("BIG5", "中文", b"\xa4\xa4\xa4\xe5"),
            ("EUC_KR", "한국", b"\xc7\xd1\xb1\xb9"),
            ("UTF8", "é", "é".as_bytes()),
        ] {
            let encoding = Encoding::parse(name).unwrap();
            let mut encoded = Vec::new();
            encoding.encode(text, &mut encoded).unwrap();
            assert_eq!(encoded, bytes, "{name}");
            assert_eq!(encoding.decode(bytes).unwrap(), text, "{name}");
            let (mut stream, mut read) = (encoding.stream(), String::new());
            for byte in bytes {
                stream.push(&[*byte], false, &mut read).unwrap();
            }
            stream.push(&[], true, &mut read).unwrap();
            assert_eq!(read, text, "{name}");
        }
    }

    #[test]
    fn what_has_no_place_is_refused() {
        for (name, text) in [("LATIN1", "€"), ("WIN1252", "日"), ("EUC_KR", "갂"), ("SJIS", "é")]
        {
            let error = Encoding::parse(name).unwrap().encode(text, &mut Vec::new()).unwrap_err();
            assert_eq!(error.sqlstate(), "22P05", "{name}");
        }
        for (name, bytes, state) in [
            ("WIN1252", &b"\x81"[..], "22P05"),
            ("EUC_JP", b"\xc6", "22021"),
            ("SJIS", b"\x93", "22021"),
            ("UTF8", b"\xe9", "22021"),
        ] {
            let error = Encoding::parse(name).unwrap().decode(bytes).unwrap_err();
            assert_eq!(error.sqlstate(), state, "{name}");
        }
        assert_eq!(Encoding::parse("nothing").unwrap_err().sqlstate(), "22023");
        assert_eq!(Encoding::parse("EUC_TW").unwrap_err().sqlstate(), "0A000");
    }
}
