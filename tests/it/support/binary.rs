//! Binary results as PostgreSQL would print them: what the binary and the text encoders say must be the same.
//! Time zone UTC, DateStyle ISO, IntervalStyle postgres.

use std::error::Error;

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveDateTime, Timelike};
use tokio_postgres::types::{FromSql, Kind, Type};

use super::Fields;

/// The bytes of any value.
pub struct Raw(pub Vec<u8>);

impl<'a> FromSql<'a> for Raw {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Raw(raw.to_vec()))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

/// Microseconds from 1970 to 2000, where PostgreSQL counts from.
const EPOCH_MICROS: i64 = 946_684_800_000_000;
const DAY_MICROS: i64 = 86_400_000_000;

/// The text form of a binary value.
pub fn text_of(data_type: &Type, bytes: &[u8]) -> String {
    let mut fields = Fields::new(bytes);
    if let Kind::Array(element) = data_type.kind()
        && *data_type != Type::INT2_VECTOR
        && *data_type != Type::OID_VECTOR
    {
        return array(element, fields);
    }
    match *data_type {
        Type::BOOL => if fields.u8() == 1 { "t" } else { "f" }.to_owned(),
        Type::INT2 => fields.i16().to_string(),
        Type::INT4 => fields.i32().to_string(),
        Type::INT8 => i64_of(&mut fields).to_string(),
        Type::OID => fields.u32().to_string(),
        Type::FLOAT4 => float(f64::from(f32::from_bits(fields.u32())), 6, |_| {
            format!("{:e}", f32::from_bits(Fields::new(bytes).u32()))
        }),
        Type::FLOAT8 => {
            float(f64::from_bits(i64_of(&mut fields) as u64), 15, |value| format!("{value:e}"))
        }
        Type::NUMERIC => numeric(fields),
        Type::DATE => match fields.i32() {
            i32::MAX => "infinity".to_owned(),
            i32::MIN => "-infinity".to_owned(),
            days => date(i64::from(days)),
        },
        Type::TIME => time(i64_of(&mut fields)),
        Type::TIMESTAMP => timestamp(i64_of(&mut fields), ""),
        Type::TIMESTAMPTZ => timestamp(i64_of(&mut fields), "+00"),
        Type::INTERVAL => interval(i64_of(&mut fields), fields.i32(), fields.i32()),
        Type::UUID => {
            let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            let part = |range| digits.get(range).unwrap_or_default();
            [part(0..8), part(8..12), part(12..16), part(16..20), part(20..32)].join("-")
        }
        Type::BYTEA => hex("\\x", bytes),
        Type::TIMETZ => {
            let clock = time(i64_of(&mut fields));
            let east = -fields.i32();
            let (sign, minutes) = (if east < 0 { '-' } else { '+' }, east.abs() / 60);
            match minutes % 60 {
                0 => format!("{clock}{sign}{:02}", minutes / 60),
                rest => format!("{clock}{sign}{:02}:{rest:02}", minutes / 60),
            }
        }
        Type::INET | Type::CIDR => network(bytes, *data_type == Type::CIDR),
        Type::MACADDR => {
            bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(":")
        }
        Type::JSONB => String::from_utf8_lossy(bytes.get(1..).unwrap_or_default()).into_owned(),
        Type::VOID => String::new(),
        _ => match std::str::from_utf8(bytes) {
            Ok(text) => text.to_owned(),
            Err(_) => hex("binary ", bytes),
        },
    }
}

fn i64_of(fields: &mut Fields<'_>) -> i64 {
    let high = i64::from(fields.i32());
    high << 32 | i64::from(fields.u32())
}

fn hex(prefix: &str, bytes: &[u8]) -> String {
    bytes.iter().fold(prefix.to_owned(), |text, byte| text + &format!("{byte:02x}"))
}

/// The shortest digits that mean this number; an exponent where PostgreSQL writes one.
fn float(value: f64, digits_max: i32, scientific: impl Fn(f64) -> String) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    let text = scientific(value);
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if value != 0.0 && !(-4..digits_max).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{mantissa}e{sign}{:02}", exponent.abs());
    }
    let (sign, digits) = match mantissa.strip_prefix('-') {
        Some(digits) => ("-", digits.replace('.', "")),
        None => ("", mantissa.replace('.', "")),
    };
    if exponent < 0 {
        return format!("{sign}0.{}{digits}", "0".repeat((-exponent - 1) as usize));
    }
    let whole = exponent as usize + 1;
    match digits.len() > whole {
        true => format!("{sign}{}.{}", &digits[..whole], &digits[whole..]),
        false => format!("{sign}{digits:0<whole$}"),
    }
}

fn numeric(mut fields: Fields<'_>) -> String {
    let (count, weight, sign, scale) =
        (fields.i16(), i32::from(fields.i16()), fields.u16(), usize::from(fields.u16()));
    match sign {
        0xc000 => return "NaN".to_owned(),
        0xd000 => return "Infinity".to_owned(),
        0xf000 => return "-Infinity".to_owned(),
        _ => {}
    }
    let groups: Vec<i16> = (0..count).map(|_| fields.i16()).collect();
    let group = |position: i32| {
        let index = usize::try_from(weight - position).ok();
        index.and_then(|index| groups.get(index)).copied().unwrap_or(0)
    };
    let mut text: String =
        (0..=weight.max(0)).rev().map(|at| format!("{:04}", group(at))).collect();
    text = text.trim_start_matches('0').to_owned();
    if text.is_empty() {
        text.push('0');
    }
    if scale > 0 {
        let fraction: String =
            (1..=scale.div_ceil(4)).map(|at| format!("{:04}", group(-(at as i32)))).collect();
        text = format!("{text}.{}", &fraction[..scale]);
    }
    if sign == 0x4000 { format!("-{text}") } else { text }
}

fn date(days_since_2000: i64) -> String {
    let epoch = NaiveDate::from_ymd_opt(2000, 1, 1).unwrap_or_default();
    let days = Days::new(days_since_2000.unsigned_abs());
    let date = if days_since_2000 < 0 {
        epoch.checked_sub_days(days)
    } else {
        epoch.checked_add_days(days)
    };
    date.map_or_else(|| format!("day {days_since_2000}"), |date| with_era(date, String::new()))
}

/// The date in ISO form, what follows it, and BC behind all.
fn with_era(date: NaiveDate, after: String) -> String {
    let (year, era) = if date.year() > 0 { (date.year(), "") } else { (1 - date.year(), " BC") };
    format!("{year:04}-{:02}-{:02}{after}{era}", date.month(), date.day())
}

fn time(micros: i64) -> String {
    let seconds = micros.div_euclid(1_000_000);
    let clock = format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    clock + &fraction(micros.rem_euclid(1_000_000))
}

fn fraction(micros: i64) -> String {
    if micros == 0 {
        return String::new();
    }
    format!(".{micros:06}").trim_end_matches('0').to_owned()
}

fn timestamp(micros: i64, zone: &str) -> String {
    match micros {
        i64::MAX => return "infinity".to_owned(),
        i64::MIN => return "-infinity".to_owned(),
        _ => {}
    }
    let moment: Option<NaiveDateTime> = micros
        .checked_add(EPOCH_MICROS)
        .and_then(DateTime::from_timestamp_micros)
        .map(|moment| moment.naive_utc());
    let Some(moment) = moment else { return format!("microsecond {micros}") };
    let of_day =
        i64::from(moment.num_seconds_from_midnight()) * 1_000_000 + micros.rem_euclid(1_000_000);
    with_era(moment.date(), format!(" {}{zone}", time(of_day.rem_euclid(DAY_MICROS))))
}

/// Family, length of the network, whether it is a `cidr`, count of bytes, and those of the address.
fn network(bytes: &[u8], is_cidr: bool) -> String {
    let [_, bits, _, _, octets @ ..] = bytes else { return hex("binary ", bytes) };
    let address = match (<[u8; 4]>::try_from(octets), <[u8; 16]>::try_from(octets)) {
        (Ok(octets), _) => std::net::Ipv4Addr::from(octets).to_string(),
        (_, Ok(octets)) => std::net::Ipv6Addr::from(octets).to_string(),
        _ => return hex("binary ", bytes),
    };
    match is_cidr || usize::from(*bits) < octets.len() * 8 {
        true => format!("{address}/{bits}"),
        false => address,
    }
}

fn interval(micros: i64, days: i32, months: i32) -> String {
    let mut parts = Vec::new();
    let mut before_negative = false;
    for (count, unit) in [(months / 12, "year"), (months % 12, "mon"), (days, "day")] {
        if count != 0 {
            let plus = if before_negative && count > 0 { "+" } else { "" };
            let plural = if count == 1 { "" } else { "s" };
            parts.push(format!("{plus}{count} {unit}{plural}"));
            before_negative = count < 0;
        }
    }
    if micros != 0 || parts.is_empty() {
        let sign = match (micros < 0, before_negative) {
            (true, _) => "-",
            (false, true) => "+",
            (false, false) => "",
        };
        parts.push(format!("{sign}{}", time(micros.abs())));
    }
    parts.join(" ")
}

fn array(element: &Type, mut fields: Fields<'_>) -> String {
    let dimensions = fields.i32();
    fields.skip(8);
    let sizes: Vec<(i32, i32)> = (0..dimensions).map(|_| (fields.i32(), fields.i32())).collect();
    if sizes.is_empty() {
        return "{}".to_owned();
    }
    let bounds: String = match sizes.iter().all(|(_, lower)| *lower == 1) {
        true => String::new(),
        false => {
            sizes
                .iter()
                .map(|(size, lower)| format!("[{lower}:{}]", lower + size - 1))
                .collect::<String>()
                + "="
        }
    };
    let sizes: Vec<i32> = sizes.into_iter().map(|(size, _)| size).collect();
    bounds + &array_level(element, &sizes, &mut fields)
}

fn array_level(element: &Type, sizes: &[i32], fields: &mut Fields<'_>) -> String {
    let Some((size, inner)) = sizes.split_first() else {
        return fields
            .value()
            .map_or_else(|| "NULL".to_owned(), |value| quoted(&text_of(element, &value)));
    };
    let items: Vec<String> = (0..*size).map(|_| array_level(element, inner, fields)).collect();
    format!("{{{}}}", items.join(","))
}

fn quoted(text: &str) -> String {
    let special = |character: char| "{},\"\\".contains(character) || character.is_whitespace();
    if text.is_empty() || text.eq_ignore_ascii_case("null") || text.contains(special) {
        return format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
    }
    text.to_owned()
}
