//! The profiles of this machine: a file that only its owner can read, with the URL and the key of each Keydesk.

use crate::process_environment::variable;
use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    fs,
    io::Write,
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::PathBuf,
};
use zeroize::Zeroizing;

/// A Keydesk and the key to it.
pub struct Profile {
    pub url: String,
    pub key: Zeroizing<String>,
}

#[derive(Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Profiles {
    /// The name of the profile of the last login.
    pub default: Option<String>,
    #[serde(default)]
    pub profiles: BTreeMap<String, Stored>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Stored {
    pub url: String,
    key: String,
}

impl Profiles {
    fn path() -> anyhow::Result<PathBuf> {
        let folder = match (variable("XDG_CONFIG_HOME"), variable("HOME")) {
            (Some(folder), _) => PathBuf::from(folder),
            (None, Some(home)) => PathBuf::from(home).join(".config"),
            (None, None) => bail!("set HOME: the profiles are in $HOME/.config/keydesk"),
        };
        Ok(folder.join("keydesk/profiles.toml"))
    }

    pub fn read() -> anyhow::Result<Self> {
        let path = Self::path()?;
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Self::default());
            }
            Err(error) => {
                return Err(error).with_context(|| format!("{} can’t be read", path.display()));
            }
        };
        let mode = fs::metadata(&path)?.permissions().mode();
        if mode & 0o077 != 0 {
            bail!("{0} can be read by others: run “chmod 600 {0}”", path.display());
        }
        // The text holds keys, so an error must not show it.
        toml::from_str(&text).map_err(|error| {
            let place = error.span().map_or(0, |span| text[..span.start].lines().count());
            anyhow::anyhow!("{} isn’t valid near line {place}", path.display())
        })
    }

    pub fn write(&self) -> anyhow::Result<()> {
        let path = Self::path()?;
        let folder = path.parent().context("the profiles have a folder")?;
        fs::create_dir_all(folder)
            .with_context(|| format!("{} can’t be created", folder.display()))?;
        let draft = path.with_extension(format!("new-{}", std::process::id()));
        let text = Zeroizing::new(toml::to_string(self)?);
        let written = (|| {
            let mut file =
                fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            fs::rename(&draft, &path)
        })();
        written.with_context(|| format!("{} can’t be written", path.display()))
    }

    /// Returns the named profile, or the default one.
    pub fn find(&self, name: Option<&str>) -> anyhow::Result<Profile> {
        let Some(name) = name.or(self.default.as_deref()) else {
            bail!(
                "log in with “keydesk login URL”, name a --profile, or set KEYDESK_URL and KEYDESK_KEY"
            );
        };
        let Some(stored) = self.profiles.get(name) else {
            bail!("there is no profile “{name}”; “keydesk profiles” lists them");
        };
        Ok(Profile { url: stored.url.clone(), key: Zeroizing::new(stored.key.clone()) })
    }

    /// Returns the key of the profile with this URL.
    pub fn find_key_of(&self, url: &str) -> anyhow::Result<Zeroizing<String>> {
        let stored = self.profiles.values().find(|stored| stored.url == url);
        let stored = stored.with_context(|| {
            format!("set KEYDESK_KEY to a management key for {url}, or run “keydesk login {url}”")
        })?;
        Ok(Zeroizing::new(stored.key.clone()))
    }

    /// Adds a profile, which becomes the default.
    pub fn add(&mut self, name: &str, url: &str, key: &str) {
        let stored = Stored { url: url.to_owned(), key: key.to_owned() };
        self.profiles.insert(name.to_owned(), stored);
        self.default = Some(name.to_owned());
    }

    pub fn remove(&mut self, name: &str) {
        self.profiles.remove(name);
        if self.default.as_deref() == Some(name) {
            self.default = None;
        }
    }
}
