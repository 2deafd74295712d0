//! Names of OpenDocument elements and attributes, as a document's prefixes spell them.

/// Attributes of a cell that matter, by their place in [`TableNames::attributes`].
pub mod attribute {
    /// The type of its value.
    pub const VALUE_TYPE: usize = 0;
    /// A number.
    pub const VALUE: usize = 1;
    /// LibreOffice's type, which tells errors.
    pub const CALC_TYPE: usize = 2;
    /// Its style.
    pub const STYLE: usize = 3;
    /// How many equal cells it stands for.
    pub const REPEATED: usize = 4;
    /// A date.
    pub const DATE_VALUE: usize = 5;
    /// A duration.
    pub const TIME_VALUE: usize = 6;
    /// A boolean.
    pub const BOOLEAN_VALUE: usize = 7;
    /// Its formula.
    pub const FORMULA: usize = 8;
    /// A text.
    pub const STRING_VALUE: usize = 9;
    /// Columns that it covers.
    pub const COLUMNS_SPANNED: usize = 10;
    /// Rows that it covers.
    pub const ROWS_SPANNED: usize = 11;
    /// The currency of its number.
    pub const CURRENCY: usize = 12;
    /// The name of a check of its value.
    pub const VALIDATION: usize = 13;
    /// How many there are.
    pub const COUNT: usize = 14;
}

/// Prefixes of the namespaces; none may be empty but that of `calcext`, which then is not declared.
pub struct Prefixes<'a> {
    /// `…:table:1.0`
    pub table: &'a str,
    /// `…:office:1.0`
    pub office: &'a str,
    /// `…:text:1.0`
    pub text: &'a str,
    /// `…:calcext:1.0`
    pub calcext: &'a str,
}

/// Names with their prefixes.
pub struct TableNames {
    /// A sheet.
    pub table: Vec<u8>,
    /// A row.
    pub row: Vec<u8>,
    /// A cell.
    pub cell: Vec<u8>,
    /// A cell under a merged area.
    pub covered: Vec<u8>,
    /// How many rows a row stands for.
    pub rows_repeated: Vec<u8>,
    /// Whether a row is shown.
    pub visibility: Vec<u8>,
    /// The style of a row's cells.
    pub default_style: Vec<u8>,
    /// Names of [`attribute`], each with `="` behind it.
    pub attributes: [Vec<u8>; attribute::COUNT],
    /// A paragraph.
    pub paragraph: Vec<u8>,
    /// A heading.
    pub heading: Vec<u8>,
    /// Spaces.
    pub spaces: Vec<u8>,
    /// How many spaces.
    pub spaces_count: Vec<u8>,
    /// A tab.
    pub tab: Vec<u8>,
    /// A line break.
    pub line_break: Vec<u8>,
    /// A part of a paragraph with another look.
    pub span: Vec<u8>,
    /// A link.
    pub link: Vec<u8>,
    /// Elements that hold paragraphs.
    pub holders: [Vec<u8>; 4],
    /// `<…:table-cell`
    pub cell_start: Vec<u8>,
    /// `<…:p>`
    pub paragraph_start: Vec<u8>,
    /// `</…:p></…:table-cell>`
    pub text_end: Vec<u8>,
}

impl TableNames {
    /// Return the names of a document.
    pub fn new(prefixes: &Prefixes<'_>) -> Self {
        let table = |local: &str| format!("{}:{}", prefixes.table, local).into_bytes();
        let text = |local: &str| format!("{}:{}", prefixes.text, local).into_bytes();
        let with = |prefix: &str, local: &str| format!("{}:{}=\"", prefix, local).into_bytes();
        let (in_table, in_office) = (|local| with(prefixes.table, local), |local| with(prefixes.office, local));
        TableNames {
            table: table("table"),
            row: table("table-row"),
            cell: table("table-cell"),
            covered: table("covered-table-cell"),
            rows_repeated: table("number-rows-repeated"),
            visibility: table("visibility"),
            default_style: table("default-cell-style-name"),
            attributes: [
                in_office("value-type"),
                in_office("value"),
                with(prefixes.calcext, "value-type"),
                in_table("style-name"),
                in_table("number-columns-repeated"),
                in_office("date-value"),
                in_office("time-value"),
                in_office("boolean-value"),
                in_table("formula"),
                in_office("string-value"),
                in_table("number-columns-spanned"),
                in_table("number-rows-spanned"),
                in_office("currency"),
                in_table("content-validation-name"),
            ],
            paragraph: text("p"),
            heading: text("h"),
            spaces: text("s"),
            spaces_count: text("c"),
            tab: text("tab"),
            line_break: text("line-break"),
            span: text("span"),
            link: text("a"),
            holders: [text("list"), text("list-item"), text("list-header"), text("section")],
            cell_start: format!("<{}:table-cell", prefixes.table).into_bytes(),
            paragraph_start: format!("<{}:p>", prefixes.text).into_bytes(),
            text_end: format!("</{}:p></{}:table-cell>", prefixes.text, prefixes.table).into_bytes(),
        }
    }
}
