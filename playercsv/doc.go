// Package playercsv reads players from CSV files as spreadsheet programs write them, and writes the
// rows that failed so that a person can correct and import them again.
//
//	columns := map[string]string{"E-Mail": "email"}
//	r, err := playercsv.NewReader(file, playercsv.Options{Columns: columns})
//	for row, err := range r.Rows() {
//		// row.Player, or row.Err if the row cannot be read
//	}
//
// # The file
//
// The first row names the columns: external_id, sms, email and tags (several tags in a cell are
// separated by ";"), in any order and in upper or lower case. Options.Columns maps other names. A
// column without a field, a field with two columns, and a file without external_id are errors.
//
// The separator is recognized: a comma, a semicolon or a tab, or the one in a first line such as
// "sep=;". The file is UTF-8, with or without a byte order mark. Its lines end with LF, CRLF or, if
// the first one does, CR. A quoted cell may hold separators, line breaks and doubled quotes.
//
// Spaces around a cell do not count. Rows without any text are skipped. A row that cannot be read
// has Row.Err, and the next row is read as usual.
//
// # Rows
//
// Row.Number is the number that a spreadsheet program shows: the first row is 1, empty rows count,
// and a row with line breaks in a cell counts once.
//
// # Formulas
//
// A spreadsheet program runs a cell such as =1+1. [Failures] writes such a cell with an apostrophe
// in front of it, and [Reader] takes the apostrophe off.
package playercsv
