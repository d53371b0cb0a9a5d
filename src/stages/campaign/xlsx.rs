//! A workbook (ECMA-376) of two sheets: a cover with the campaign's figures, and the list with real types.

use std::fmt::Write;
use std::io;

use super::zip::Archive;
use crate::domain::BusinessDate;

/// A value of a sheet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SheetCell {
    Empty,
    /// Never a formula, whatever it begins with: it is stored as text.
    Text(String),
    /// Plain decimal notation, kept digit for digit.
    Number(String),
    /// With two digits after the point.
    Money(String),
    Date(BusinessDate),
    Boolean(bool),
    /// Bold text.
    Title(String),
}

/// Rows of a sheet; with a header its first row stays in sight.
#[derive(Debug, Clone)]
pub struct Sheet {
    pub name: &'static str,
    pub rows: Vec<Vec<SheetCell>>,
    pub has_header: bool,
    /// A column to fill in, and the words it takes.
    pub choices: Option<(usize, &'static [&'static str])>,
}

const NUMBER: u8 = 0;
const TITLE: u8 = 1;
const DATE: u8 = 2;
const MONEY: u8 = 3;

/// Days from 1899-12-30, which spreadsheets count from, to 1970-01-01.
const EPOCH: i32 = 25_569;

const STYLES: &str = r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><numFmts count="1"><numFmt numFmtId="164" formatCode="yyyy\-mm\-dd"/></numFmts><fonts count="2"><font><sz val="11"/><name val="Calibri"/></font><font><b/><sz val="11"/><name val="Calibri"/></font></fonts><fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills><borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs><cellXfs count="4"><xf xfId="0"/><xf fontId="1" applyFont="1" xfId="0"/><xf numFmtId="164" applyNumberFormat="1" xfId="0"/><xf numFmtId="4" applyNumberFormat="1" xfId="0"/></cellXfs><cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>"#;

const RELATIONS: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const PACKAGE: &str = "http://schemas.openxmlformats.org/package/2006";
const SPREADSHEET: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml";

/// The workbook's bytes: the same sheets and date give the same.
pub fn workbook(sheets: &[Sheet], created: BusinessDate) -> io::Result<Vec<u8>> {
    let declaration = r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>"#;
    let (mut types, mut names, mut links) = (String::new(), String::new(), String::new());
    for (number, sheet) in sheets.iter().enumerate() {
        let number = number + 1;
        let _ = write!(
            types,
            r#"<Override PartName="/xl/worksheets/sheet{number}.xml" ContentType="{SPREADSHEET}.worksheet+xml"/>"#
        );
        let _ = write!(
            names,
            r#"<sheet name="{}" sheetId="{number}" r:id="rId{number}"/>"#,
            escaped(sheet.name)
        );
        let _ = write!(
            links,
            r#"<Relationship Id="rId{number}" Type="{RELATIONS}/worksheet" Target="worksheets/sheet{number}.xml"/>"#
        );
    }
    let styles = sheets.len() + 1;
    let mut archive = Archive::default();
    let mut add = |name: &str, content: String| archive.add(name, content.as_bytes());
    add(
        "[Content_Types].xml",
        format!(
            r#"{declaration}
<Types xmlns="{PACKAGE}/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType="{SPREADSHEET}.sheet.main+xml"/><Override PartName="/xl/styles.xml" ContentType="{SPREADSHEET}.styles+xml"/><Override PartName="/docProps/core.xml" ContentType="application/vnd.openxmlformats-package.core-properties+xml"/>{types}</Types>"#
        ),
    )?;
    add(
        "_rels/.rels",
        format!(
            r#"{declaration}
<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="rId1" Type="{RELATIONS}/officeDocument" Target="xl/workbook.xml"/><Relationship Id="rId2" Type="{PACKAGE}/relationships/metadata/core-properties" Target="docProps/core.xml"/></Relationships>"#
        ),
    )?;
    add(
        "docProps/core.xml",
        format!(
            r#"{declaration}
<cp:coreProperties xmlns:cp="{PACKAGE}/metadata/core-properties" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><dc:creator>salenet</dc:creator><dcterms:created xsi:type="dcterms:W3CDTF">{created}T00:00:00Z</dcterms:created></cp:coreProperties>"#
        ),
    )?;
    add(
        "xl/workbook.xml",
        format!(
            r#"{declaration}
<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="{RELATIONS}"><sheets>{names}</sheets></workbook>"#
        ),
    )?;
    add(
        "xl/_rels/workbook.xml.rels",
        format!(
            r#"{declaration}
<Relationships xmlns="{PACKAGE}/relationships">{links}<Relationship Id="rId{styles}" Type="{RELATIONS}/styles" Target="styles.xml"/></Relationships>"#
        ),
    )?;
    add("xl/styles.xml", STYLES.to_owned())?;
    for (number, sheet) in sheets.iter().enumerate() {
        add(
            &format!("xl/worksheets/sheet{}.xml", number + 1),
            format!("{declaration}\n{}", worksheet(sheet)),
        )?;
    }
    archive.finish()
}

fn worksheet(sheet: &Sheet) -> String {
    let mut text = String::with_capacity(sheet.rows.len() * 256);
    text.push_str(
        r#"<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">"#,
    );
    if sheet.has_header {
        text.push_str(
            r#"<sheetViews><sheetView workbookViewId="0"><pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews>"#,
        );
    }
    text.push_str("<cols>");
    for (column, width) in widths(&sheet.rows).into_iter().enumerate() {
        let number = column + 1;
        let _ = write!(
            text,
            r#"<col min="{number}" max="{number}" width="{width}" customWidth="1"/>"#
        );
    }
    text.push_str("</cols><sheetData>");
    for (row, cells) in sheet.rows.iter().enumerate() {
        let number = row + 1;
        let _ = write!(text, r#"<row r="{number}">"#);
        for (column, cell) in cells.iter().enumerate() {
            write_cell(&mut text, &format!("{}{number}", letters(column)), cell);
        }
        text.push_str("</row>");
    }
    text.push_str("</sheetData>");
    if let Some((column, words)) = sheet.choices.filter(|_| sheet.rows.len() > 1) {
        let column = letters(column);
        let _ = write!(
            text,
            r#"<dataValidations count="1"><dataValidation type="list" allowBlank="1" showErrorMessage="1" sqref="{column}2:{column}{}"><formula1>"{}"</formula1></dataValidation></dataValidations>"#,
            sheet.rows.len(),
            words.join(",")
        );
    }
    text.push_str("</worksheet>");
    text
}

fn write_cell(text: &mut String, at: &str, cell: &SheetCell) {
    let number = |text: &mut String, style: u8, value: &str| {
        let _ = write!(text, r#"<c r="{at}" s="{style}"><v>{value}</v></c>"#);
    };
    let words = |text: &mut String, style: u8, value: &str| {
        let value = escaped(value);
        let _ = write!(
            text,
            r#"<c r="{at}" s="{style}" t="inlineStr"><is><t xml:space="preserve">{value}</t></is></c>"#
        );
    };
    match cell {
        SheetCell::Empty => {}
        SheetCell::Text(value) => words(text, NUMBER, value),
        SheetCell::Title(value) => words(text, TITLE, value),
        SheetCell::Number(value) => number(text, NUMBER, value),
        SheetCell::Money(value) => number(text, MONEY, value),
        SheetCell::Date(date) => number(text, DATE, &(date.days_since_epoch() + EPOCH).to_string()),
        SheetCell::Boolean(value) => {
            let _ = write!(text, r#"<c r="{at}" t="b"><v>{}</v></c>"#, u8::from(*value));
        }
    }
}

/// Wide enough for what stands in each column, within bounds.
fn widths(rows: &[Vec<SheetCell>]) -> Vec<usize> {
    let n_columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let mut widths = vec![8; n_columns.max(1)];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            let length = match cell {
                SheetCell::Empty => 0,
                SheetCell::Text(text) | SheetCell::Title(text) => text.chars().count(),
                SheetCell::Number(text) | SheetCell::Money(text) => text.len() + 2,
                SheetCell::Date(_) => 10,
                SheetCell::Boolean(_) => 5,
            };
            *width = (*width).max(length + 2).min(60);
        }
    }
    widths
}

/// A, B, … Z, AA, AB, …
fn letters(column: usize) -> String {
    let mut name = Vec::new();
    let mut rest = column + 1;
    while rest > 0 {
        rest -= 1;
        name.push(b'A' + u8::try_from(rest % 26).unwrap_or(0));
        rest /= 26;
    }
    name.reverse();
    String::from_utf8(name).unwrap_or_default()
}

/// As XML; characters that XML cannot hold become the replacement character.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\t' | '\n' => escaped.push(letter),
            '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_named_as_spreadsheets_do() {
        for (column, name) in [
            (0, "A"),
            (25, "Z"),
            (26, "AA"),
            (51, "AZ"),
            (701, "ZZ"),
            (702, "AAA"),
        ] {
            assert_eq!(letters(column), name);
        }
    }

    #[test]
    fn a_text_stays_a_text_and_a_date_is_a_date() {
        let mut text = String::new();
        write_cell(&mut text, "A1", &SheetCell::Text("=1+1 <\u{0}>".to_owned()));
        assert!(
            text.contains("inlineStr") && text.contains("=1+1 &lt;\u{fffd}&gt;"),
            "{text}"
        );
        text.clear();
        // As every spreadsheet counts: 2026-10-31 is day 46,326.
        write_cell(
            &mut text,
            "B1",
            &SheetCell::Date("2026-10-31".parse().unwrap()),
        );
        assert_eq!(text, r#"<c r="B1" s="2"><v>46326</v></c>"#);
    }

    #[test]
    fn the_same_sheets_are_the_same_bytes() {
        let sheet = Sheet {
            name: "List",
            rows: vec![
                vec![SheetCell::Title("a".to_owned())],
                vec![SheetCell::Money("1.50".to_owned())],
            ],
            has_header: true,
            choices: None,
        };
        let date = "2026-10-31".parse().unwrap();
        let one = workbook(std::slice::from_ref(&sheet), date).unwrap();
        assert_eq!(one, workbook(&[sheet], date).unwrap());
        assert!(one.starts_with(b"PK\x03\x04"));
    }
}
