//! What a file is called.

use web::{
    Line,
    body::Field,
    problem::{Errors, FieldCode, Pointer},
};

/// A file's name: one line in any script, without the folders that some clients send with it. It names the file to people and
/// nothing else: no store and no folder of ours ever sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileName(String);

impl FileName {
    /// Reads it, or says what is wrong.
    pub fn parse(text: &str) -> Result<Self, FieldCode> {
        let line = Line::<1, 1_000>::parse(text)?;
        let last = line.as_str().rsplit(['/', '\\']).next().unwrap_or_default();
        let line = Line::<1, 255>::parse(last)?;
        if matches!(line.as_str(), "." | "..") {
            return Err(FieldCode::InvalidCharacters);
        }
        Ok(Self(line.into_string()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Field for FileName {
    fn read(value: serde_json::Value, at: &Pointer, errors: &mut Errors) -> Option<Self> {
        let Some(text) = value.as_str() else {
            return errors.refuse(at, FieldCode::WrongType("string"));
        };
        match Self::parse(text) {
            Ok(name) => Some(name),
            Err(code) => errors.refuse(at, code),
        }
    }

    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        <Line<1, 255> as Field>::schema()
    }
}

impl<'de> serde::Deserialize<'de> for FileName {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(|code| serde::de::Error::custom(code.code()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_any_script_come_back_as_they_went_in() {
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
    fn a_path_in_a_name_goes_nowhere() {
        for (sent, kept) in [
            ("../../etc/passwd", "passwd"),
            ("C:\\Users\\me\\brief.doc", "brief.doc"),
            ("/a/b/", ""),
            ("..", ""),
            ("a/..", ""),
            ("\0", ""),
            ("a\nb", ""),
            ("\u{202e}fdp.exe", ""),
            (" ", ""),
        ] {
            let name = FileName::parse(sent);
            assert_eq!(name.as_ref().map_or("", FileName::as_str), kept, "{sent:?}");
        }
        // Decomposed letters are composed.
        assert_eq!(FileName::parse("a\u{308}.txt").unwrap().as_str(), "ä.txt");
    }
}
