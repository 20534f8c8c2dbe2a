//! Lines of CSV files that spreadsheets read.

/// Writes a record of CSV (RFC 4180), each cell in quotes.
pub(crate) fn record(cells: &[String]) -> String {
    let mut writer = csv::WriterBuilder::new()
        .quote_style(csv::QuoteStyle::Always)
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new());
    // Writing to memory does not fail.
    let _ = writer.write_record(cells.iter().map(|text| inert(text)));
    String::from_utf8(writer.into_inner().unwrap_or_default()).unwrap_or_default()
}

/// Returns a text that spreadsheets don't evaluate as a formula.
fn inert(text: &str) -> String {
    let is_formula =
        text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    format!("{}{text}", if is_formula { "'" } else { "" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t48_no_cell_is_a_formula_and_quotes_stay_inside() {
        for (text, written) in [
            ("=HYPERLINK(\"http://evil\")", "\"'=HYPERLINK(\"\"http://evil\"\")\""),
            ("+1", "\"'+1\""),
            ("-1", "\"'-1\""),
            ("@SUM(A1)", "\"'@SUM(A1)\""),
            ("\tx", "\"'\tx\""),
            ("a,b\"c\n", "\"a,b\"\"c\n\""),
            ("", "\"\""),
        ] {
            assert_eq!(record(&[text.to_owned()]), format!("{written}\r\n"));
        }
    }
}
