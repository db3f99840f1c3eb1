//! The options that a COPY statement names, as the formats take them. What they mean together is checked by
//! [`CopyOptions::validate`].

use crate::base::encoding::Encoding;
use crate::base::{Error, ErrorKind, Result};
use crate::session::setting::parse_bool;
use crate::sql::statement::{CopyOption, CopyOptionValue};

use super::format::{CopyFormat, CopyOptions, ForceColumns, Header, one_byte};

/// The options of a COPY statement over the defaults of its format.
///
/// # Errors
/// 42601 for an option that there is not or that is named twice, 22023 for a value that it does not take.
pub fn options_of(named: &[CopyOption]) -> Result<CopyOptions> {
    for (index, option) in named.iter().enumerate() {
        let earlier = named.iter().take(index);
        if earlier.into_iter().any(|other| other.name == option.name) {
            return Err(Error::new(ErrorKind::SyntaxError, "conflicting or redundant options")
                .at_if(option.position));
        }
    }
    let format = named.iter().find(|option| option.name == "format");
    let format = format.map_or(Ok(CopyFormat::Text), format_of)?;
    let mut options = CopyOptions::new(format);
    for option in named {
        apply(&mut options, option)?;
    }
    // A quote of its own doubles itself unless an escape is named.
    if named.iter().any(|o| o.name == "quote") && !named.iter().any(|o| o.name == "escape") {
        options.escape = options.quote;
    }
    Ok(options)
}

fn apply(options: &mut CopyOptions, option: &CopyOption) -> Result<()> {
    match option.name.as_str() {
        "format" => {}
        "delimiter" => options.delimiter = one_byte("delimiter", &text(option)?)?,
        "null" => options.null = text(option)?,
        "header" => options.header = header(option)?,
        "quote" => options.quote = one_byte("quote", &text(option)?)?,
        "escape" => options.escape = one_byte("escape", &text(option)?)?,
        "force_quote" => {
            options.force_quote = match &option.value {
                CopyOptionValue::All => ForceColumns::All,
                CopyOptionValue::None | CopyOptionValue::Text(_) | CopyOptionValue::List(_) => {
                    ForceColumns::Columns(columns(option)?)
                }
            }
        }
        "force_not_null" => options.force_not_null = columns(option)?,
        "force_null" => options.force_null = columns(option)?,
        "default" => options.default = Some(text(option)?),
        "encoding" => {
            let encoding = Encoding::parse(&text(option)?).map_err(|error| match error.kind() {
                ErrorKind::InvalidParameterValue => {
                    let what = "argument to option \"encoding\" must be a valid encoding name";
                    Error::new(ErrorKind::InvalidParameterValue, what).at_if(option.position)
                }
                _ => error,
            });
            options.encoding = Some(encoding?);
        }
        "freeze" if parse_option_bool(option)? => {
            return Err(Error::unsupported("COPY with FREEZE").at_if(option.position));
        }
        "freeze" => {}
        name => {
            return Err(Error::new(
                ErrorKind::SyntaxError,
                format!("option \"{name}\" not recognized"),
            )
            .at_if(option.position));
        }
    }
    Ok(())
}

fn format_of(option: &CopyOption) -> Result<CopyFormat> {
    match text(option)?.as_str() {
        "text" => Ok(CopyFormat::Text),
        "csv" => Ok(CopyFormat::Csv),
        "binary" => Ok(CopyFormat::Binary),
        other => Err(Error::new(
            ErrorKind::InvalidParameterValue,
            format!("COPY format \"{other}\" not recognized"),
        )
        .at_if(option.position)),
    }
}

fn header(option: &CopyOption) -> Result<Header> {
    if let CopyOptionValue::Text(value) = &option.value
        && value.eq_ignore_ascii_case("match")
    {
        return Ok(Header::Match);
    }
    Ok(if parse_option_bool(option)? { Header::Write } else { Header::None })
}

fn parse_option_bool(option: &CopyOption) -> Result<bool> {
    let value = match &option.value {
        CopyOptionValue::None => return Ok(true),
        CopyOptionValue::Text(value) => parse_bool(value),
        CopyOptionValue::All | CopyOptionValue::List(_) => None,
    };
    value.ok_or_else(|| {
        Error::new(ErrorKind::SyntaxError, format!("{} requires a Boolean value", option.name))
            .at_if(option.position)
    })
}

fn text(option: &CopyOption) -> Result<String> {
    match &option.value {
        CopyOptionValue::Text(text) => Ok(text.clone()),
        CopyOptionValue::None | CopyOptionValue::All | CopyOptionValue::List(_) => {
            Err(Error::new(ErrorKind::SyntaxError, format!("{} requires a parameter", option.name))
                .at_if(option.position))
        }
    }
}

fn columns(option: &CopyOption) -> Result<Vec<String>> {
    match &option.value {
        CopyOptionValue::List(names) => Ok(names.clone()),
        CopyOptionValue::None | CopyOptionValue::All | CopyOptionValue::Text(_) => Err(Error::new(
            ErrorKind::InvalidParameterValue,
            format!("argument to option \"{}\" must be a list of column names", option.name),
        )
        .at_if(option.position)),
    }
}
