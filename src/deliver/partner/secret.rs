//! Secrets, in files that nobody else can read.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use zeroize::Zeroizing;

use super::error::PartnerError;

/// No password and no key is longer.
const SECRET_BYTES_MAX: u64 = 64 * 1024;

/// The text of a file that only its owner can read, without the end of its last line.
pub(super) fn read(path: &Path) -> Result<Zeroizing<String>, PartnerError> {
    let failed = |source| PartnerError::Secret { path: path.to_owned(), source };
    let file = File::open(path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    if !metadata.is_file() {
        return Err(PartnerError::NotA { path: path.to_owned(), what: "file" });
    }
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(PartnerError::SecretShown { path: path.to_owned(), mode });
    }
    let mut text = Zeroizing::new(String::new());
    file.take(SECRET_BYTES_MAX).read_to_string(&mut text).map_err(failed)?;
    let length = text.trim_end_matches(['\r', '\n']).len();
    text.truncate(length);
    if text.is_empty() {
        return Err(PartnerError::NotA { path: path.to_owned(), what: "secret: it is empty" });
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;

    use super::*;

    #[test]
    fn what_others_can_read_is_no_secret() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "open sesame\r\n").unwrap();
        for mode in [0o644, 0o640, 0o604] {
            std::fs::set_permissions(file.path(), Permissions::from_mode(mode)).unwrap();
            let error = read(file.path()).unwrap_err().to_string();
            assert!(error.contains("chmod 600") && error.contains(&format!("{mode:o}")), "{error}");
            assert!(!error.contains("sesame"));
        }
        std::fs::set_permissions(file.path(), Permissions::from_mode(0o600)).unwrap();
        assert_eq!(read(file.path()).unwrap().as_str(), "open sesame");
        std::fs::write(file.path(), "\n").unwrap();
        assert!(read(file.path()).unwrap_err().to_string().contains("it is empty"));
        assert!(read(Path::new("/")).unwrap_err().to_string().contains("is no file"));
        assert!(read(Path::new("/nowhere")).is_err());
    }
}
