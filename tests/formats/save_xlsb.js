// Saves a workbook as xlsb: node save_xlsb.js FROM TO
const XLSX = require("xlsx");
const [, , from, to] = process.argv;
const workbook = XLSX.readFile(from, { cellNF: true, cellStyles: true, cellFormula: true });
// SheetJS 0.18.5 reads hidden="1" of a row, and not LibreOffice's hidden="true".
for (const name of workbook.SheetNames) workbook.Sheets[name]["!rows"][4].hidden = true;
XLSX.writeFile(workbook, to, { bookType: "xlsb", bookSST: true, compression: true });
