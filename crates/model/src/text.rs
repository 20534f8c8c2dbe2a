//! Checks for text that one user writes and another reads, so that it can't be mistaken for other text.

use icu_properties::{
    CodePointMapData, CodePointSetData,
    props::{DefaultIgnorableCodePoint, GeneralCategory},
};

/// Letters and symbols that are displayed as a blank: the empty Braille cell, the object replacement character, the
/// Khitan filler, and the null notehead.
const SHOW_NOTHING: [char; 4] = ['\u{2800}', '\u{fffc}', '\u{16fe4}', '\u{1d159}'];

/// Returns whether a character is invisible or changes how others are displayed, so that two different texts could
/// look alike: control and format characters (including bidirectional overrides), default ignorable code points, line
/// separators, private use, noncharacters, and characters displayed as a blank.
pub fn is_deceptive(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_control();
    }
    let category = CodePointMapData::<GeneralCategory>::new().get(c);
    matches!(
        category,
        GeneralCategory::Control
            | GeneralCategory::Format
            | GeneralCategory::LineSeparator
            | GeneralCategory::ParagraphSeparator
            | GeneralCategory::PrivateUse
    ) || CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c)
        || SHOW_NOTHING.contains(&c)
        || u32::from(c) & 0xfffe == 0xfffe
        || ('\u{fdd0}'..='\u{fdef}').contains(&c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t54_what_shows_nothing_or_turns_text_around_is_deceptive() {
        let deceptive = "\u{0}\n\u{7f}\u{85}\u{ad}\u{34f}\u{61c}\u{115f}\u{180e}\u{200b}\u{200c}\u{200d}\u{200e}\
             \u{200f}\u{2028}\u{2029}\u{202a}\u{202e}\u{2060}\u{2063}\u{2066}\u{2069}\u{206f}\u{2800}\u{3164}\u{fe0f}\
             \u{feff}\u{ffa0}\u{fff9}\u{e000}\u{fdd0}\u{ffff}\u{10fffe}\u{fffc}\u{16fe4}\u{1d159}\u{e0001}\u{e0020}\u{e0100}\u{1d173}";
        for c in deceptive.chars() {
            assert!(is_deceptive(c), "{c:?}");
        }
        for c in "Aé'-. ßñ漢字かな한글عربيहि🙂\u{a0}\u{3000}".chars() {
            assert!(!is_deceptive(c), "{c:?}");
        }
    }
}
