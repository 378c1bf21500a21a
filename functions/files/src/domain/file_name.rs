//! File names.

use web::{SingleLine, problem::FieldCode};

/// A file name: one line in any script, without the directories that some clients include. It is only displayed and never used
/// as an object key or path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileName(String);

impl FileName {
    /// Parses a file name.
    pub fn parse(text: &str) -> Result<Self, FieldCode> {
        let line = SingleLine::<1, 1_000>::parse(text)?;
        let base_name = line.as_str().rsplit(['/', '\\']).next().unwrap_or_default();
        let line = SingleLine::<1, 255>::parse(base_name)?;
        if matches!(line.as_str(), "." | "..") {
            return Err(FieldCode::InvalidCharacters);
        }
        Ok(Self(line.into_string()))
    }

    /// The file name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_any_script_are_preserved() {
        for name in [
            "Rechnung März.pdf",
            "报告.docx",
            "تقرير.pdf",
            "отчёт (1).txt",
            "📎.png",
            "a",
            ".htaccess",
            "CON",
            "100%.pdf",
            "a\"b;c.txt",
        ] {
            assert_eq!(FileName::parse(name).unwrap().as_str(), name);
        }
    }

    #[test]
    fn directories_are_removed_from_names() {
        for (sent, kept) in [
            ("../../etc/passwd", "passwd"),
            ("C:\\Users\\me\\brief.doc", "brief.doc"),
            ("/a/b/", ""),
            ("..", ""),
            ("a/..", ""),
            ("\0", ""),
            ("a\nb", ""),
            // The direction is dropped, which would show another name.
            ("\u{202e}fdp.exe", "fdp.exe"),
            (" ", ""),
        ] {
            let name = FileName::parse(sent);
            assert_eq!(name.as_ref().map_or("", FileName::as_str), kept, "{sent:?}");
        }
        // Decomposed letters are composed.
        assert_eq!(FileName::parse("a\u{308}.txt").unwrap().as_str(), "ä.txt");
    }
}
