//! The reference page of the configuration, docs/guide/configuration.md, made from the table of keys.

use std::fmt::Write;

use super::Config;
use super::key::{KEYS, Key};

const HEAD: &str = "\
# Configuration

<!-- Made from src/server/config/key.rs; `just bless` writes it anew. -->

Every key can be given in a file, in the environment and, where it has one, as a flag. A flag wins over
the environment, and the environment over the file. The file is `lakegate.toml` in the working folder
unless `--config FILE` or `LAKEGATE_CONFIG` names another.

```toml
listen = \"0.0.0.0:5432\"

[tls]
cert = \"/etc/lakegate/server.pem\"
key = \"/etc/lakegate/server.key\"
required = true

[limits]
connections_max = 500
memory_bytes_total = \"12GiB\"
shutdown_grace = \"1min\"
```

`lakegate check` reads the same sources, lists every error at once with the file and line, the variable or
the flag that it stands in, and otherwise shows each value in force and where it came from. A name that is
not in this table is an error: a misspelt limit never passes for a limit.

Sizes are whole numbers with `B`, `KiB`, `MiB`, `GiB` or `TiB`, durations with `ms`, `s`, `min` or `h`.

Two variables hold secrets and have no key: `LAKEGATE_ADMIN_PASSWORD`, the password that the user `admin`
gets on the first start, and `LAKEGATE_PASSWORD`, the password for `lakegate user add`.
";

/// The whole page.
pub fn render() -> String {
    let mut page = HEAD.to_owned();
    let defaults = Config::default();
    let mut section = None;
    for key in KEYS {
        let this = key.path.split_once('.').map_or("", |(section, _)| section);
        if section.replace(this) != Some(this) {
            page.push_str(&heading(this));
        }
        page.push_str(&row(key, &defaults));
    }
    page
}

fn heading(section: &str) -> String {
    let title = if section.is_empty() { "Server".to_owned() } else { format!("`[{section}]`") };
    format!(
        "\n## {title}\n\n| key | flag and variable | type | default | what it decides |\n|---|---|---|---|---|\n"
    )
}

fn row(key: &Key, defaults: &Config) -> String {
    let mut names = String::new();
    if let Some(flag) = key.flag() {
        // Writing to a string cannot fail.
        let _ = write!(names, "`{flag}`<br>");
    }
    let default = (key.show)(defaults);
    let default = if default.is_empty() { "–".to_owned() } else { format!("`{default}`") };
    format!(
        "| `{}` | {names}`{}` | {} | {default} | {} |\n",
        key.path,
        key.variable(),
        key.kind,
        key.description
    )
}
