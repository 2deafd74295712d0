"""Makes the workbooks in ``data/``: a year in the life of an invented coffee roastery, as its offices would send it.

Run it as ``python make_workbooks.py [FOLDER]``; it needs XlsxWriter and openpyxl. Every run writes the same bytes:
nothing is taken from the clock, and the archives are packed again with a fixed date. (Another version of zlib, XlsxWriter
or openpyxl may pack or phrase the same cells in other bytes.)
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import TypeVar

from workbook_writing import Book, Column, Formula, Row, opendocument, saved_again

T = TypeVar("T")
EURO = '#,##0.00 "€"'
DAY = "dd/mm/yyyy"
MINUTE = "yyyy-mm-dd hh:mm"

COFFEES = (
    ("Morgenrot", "Ethiopia", 1490),
    ("Café Olé", "Colombia", 1290),
    ("Hafenlicht", "Brazil", 1150),
    ("Nordwind", "Guatemala", 1320),
    ("São Bento", "Brazil", 1240),
    ("Żubr Espresso", "Vietnam", 990),
    ("Half & Half <decaf>", "Peru", 1410),
    ("Kōhī No. 1", "Indonesia", 1680),
)
TOWNS = (
    ("Leipzig", "04109"),
    ("Dresden", "01067"),
    ("Köln", "50667"),
    ("München", "80331"),
    ("Halle (Saale)", "06108"),
    ("Lübeck", "23552"),
    ("Görlitz", "02826"),
)
NAMES = ("Café Nordlicht", "Bäckerei Süß", "Bistro L'Été", "Hotel Drei Möwen", "Kantine Gleis 7", "Rösterei-Bar Ø")
STREETS = ("Lange Straße", "Am Hafen", "Große Allee", "Kleiner Ring", "Mühlweg")


class Dice:
    """A sequence of arbitrary choices, the same in every run.

    Only ``random()`` is used, whose sequence for a seed is the one that Python promises never to change
    (https://docs.python.org/3/library/random.html#notes-on-reproducibility).
    """

    def __init__(self, seed: str) -> None:
        self._random = random.Random(seed)  # noqa: S311  # reproducible on purpose

    def below(self, limit: int) -> int:
        """Return a whole number from 0 to ``limit`` - 1."""
        return int(self._random.random() * limit)

    def pick(self, choices: Sequence[T]) -> T:
        """Return one of the choices."""
        return choices[self.below(len(choices))]


def customers(*, later: bool) -> bytes:
    """Headers that are not ASCII, codes with leading zeros typed as text, a hidden sheet; later also a new column."""
    dice = Dice("customers later" if later else "customers")
    columns = [
        Column(header="Kundennr."),
        Column(header="Firma", width=20),
        Column(header="Straße", width=20),
        Column(header="PLZ"),
        Column(header="Ort"),
        Column(header="Größe (m²)"),
        Column(header="Großkunde"),
        Column(header="Kunde seit", number_format=DAY),
    ]
    if later:
        columns.append(Column(header="Rabatt %", number_format="0.0"))
    book = Book()
    first = 121 if later else 1
    rows: list[Row] = []
    for number in range(first, first + (40 if later else 120)):
        town, postcode = dice.pick(TOWNS)
        row: list[object] = [
            f"{number:06}",
            f"{dice.pick(NAMES)} {town}",
            f"{dice.pick(STREETS)} {dice.below(90) + 1}",
            postcode,
            town,
            dice.below(380) + 20,
            dice.below(5) == 0,
            date(2015, 1, 1) + timedelta(days=dice.below(3600) + (90 if later else 0)),
        ]
        if later:
            row.append(dice.pick((None, 2.5, 5, 7.5)))
        rows.append(row)
    book.add("Kunden", columns, rows)
    book.add("Stammdaten alt", [Column(header="do not use")], [["superseded"]], hidden=True)
    return book.to_bytes()


PAYMENTS = ("Reference", "Booked on", "Booked at", "Amount", "Currency", "Settled", "Note")


def payments(month: int) -> Iterator[tuple[str, date, time, float, str, bool, str | None]]:
    """Yield the payments of a month: dates, times of day, amounts with cents, many empty notes."""
    dice = Dice(f"payments {month}")
    for number in range(1, 91):
        yield (
            f"P{month:02}-{number:04}",
            date(2025, month, 1 + dice.below(28)),
            time(7 + dice.below(11), dice.below(60)),
            (dice.below(240_000) + 900) / 100,
            dice.pick(("EUR", "EUR", "EUR", "CHF", "PLN")),
            dice.below(8) > 0,
            dice.pick((None, None, None, "reminder sent", "part payment", "=see letter")),
        )


def payments_spreadsheet() -> bytes:
    """January's payments as an OpenDocument spreadsheet, as LibreOffice users send them."""
    return opendocument("Payments", [PAYMENTS, *payments(1)])


def payments_workbook() -> bytes:
    """February's payments as Excel saves them: the same table in another format."""
    formats = {"Booked on": DAY, "Booked at": "hh:mm", "Amount": EURO}
    book = Book()
    columns = [Column(header=header, number_format=formats.get(header, "General")) for header in PAYMENTS]
    book.add("Payments", columns, payments(2))
    return book.to_bytes()


def roaster_log(week: int) -> bytes:
    """Timestamps, times of day, durations under ``[h]:mm``, and a formula with its computed value."""
    dice = Dice(f"roaster log {week}")
    columns = [
        Column(header="Batch", number_format="000000"),
        Column(header="Coffee", width=20),
        Column(header="Started", number_format=MINUTE, width=18),
        Column(header="Shift start", number_format="hh:mm"),
        Column(header="Roasting + cooling", number_format="[h]:mm:ss", width=18),
        Column(header="Green [kg]", number_format="0.0"),
        Column(header="Roasted [kg]", number_format="0.0"),
        Column(header="Loss %", number_format="0.0%"),
        Column(header="End temp. °C"),
        Column(header="OK?"),
    ]
    rows: list[Row] = []
    for number in range(150):
        green = (dice.below(350) + 250) / 10
        roasted = round(green * (0.82 + dice.below(50) / 1000), 1)
        started = datetime.fromisocalendar(2025, week, 1 + number // 30) + timedelta(minutes=360 + number % 30 * 28)
        rows.append(
            [
                week * 1000 + number,
                dice.pick(COFFEES)[0],
                started,
                time(6) if started.hour < 14 else time(14),
                timedelta(seconds=780 + dice.below(400)),
                green,
                roasted,
                Formula("=1-G{row}/F{row}", 1 - roasted / green),
                dice.below(18) + 208,
                dice.below(25) > 0,
            ]
        )
    book = Book()
    book.add("Log", columns, rows)
    return book.to_bytes()


def price_list() -> bytes:
    """Codes as text and as numbers shown with zeros, 13-digit numbers, money, and a lookup that found nothing."""
    dice = Dice("price list")
    columns = [
        Column(header="Article"),
        Column(header="Shelf", number_format="00000"),
        Column(header="Barcode", number_format="0", width=16),
        Column(header="Coffee", width=20),
        Column(header="Origin"),
        Column(header="Price", number_format=EURO),
        Column(header="Supplier price", number_format=EURO),
        Column(header="Organic"),
        Column(header="Valid from", number_format=DAY),
    ]
    rows: list[Row] = []
    suppliers: list[Row] = []
    for number, (coffee, origin, cents) in enumerate(COFFEES * 4):
        missing = number == 17
        if not missing:
            suppliers.append([f"{number + 1:04}", cents * 0.4 / 100])
        supplier = Formula("=VLOOKUP(A{row},Suppliers!A:B,2,FALSE)", "#N/A" if missing else cents * 0.4 / 100)
        rows.append(
            [
                f"{number + 1:04}",
                number * 37 + 501,
                2_000_000_000_000 + dice.below(10**9),
                coffee,
                origin,
                (cents * (1 + number // len(COFFEES)) - 5 * (number // len(COFFEES))) / 100,
                supplier,
                number % 3 == 0,
                date(2025, 1, 1),
            ]
        )
    book = Book()
    book.add("Price list", columns, rows)
    book.add("Suppliers", [Column(header="Article"), Column(header="Price")], suppliers, hidden=True)
    return book.to_bytes()


def orders(month: int) -> bytes:
    """A month of orders: whole numbers in January, a new column in February, ``n/a`` and fractions in March."""
    dice = Dice(f"orders {month}")
    columns = [
        Column(header="Order no."),
        Column(header="Ordered", number_format=MINUTE, width=18),
        Column(header="Customer"),
        Column(header="Coffee", width=20),
        Column(header="Quantity"),
        Column(header="Net amount", number_format=EURO),
        Column(header="PO number"),
        Column(header="Paid"),
        Column(header="Deliver by", number_format=DAY),
    ]
    if month > 1:
        columns.append(Column(header="Discount %", number_format="0.0"))
    rows: list[Row] = []
    for number in range(1, 201):
        coffee, _, cents = dice.pick(COFFEES)
        quantity: float = dice.below(40) + 1
        if month == 3 and dice.below(6) == 0:
            quantity += 0.5
        ordered = datetime(2025, month, 1 + dice.below(28), 7 + dice.below(11), dice.below(60))  # noqa: DTZ001
        po_number: object = dice.pick((None, 45_000_000 + dice.below(99_999), 45_000_000 + dice.below(99_999)))
        if month == 3 and po_number is None:
            po_number = "n/a"
        row: list[object] = [
            f"2025-{month:02}-{number:04}",
            ordered,
            f"{dice.below(120) + 1:06}",
            coffee,
            quantity,
            round(cents * quantity / 100, 2),
            po_number,
            dice.below(7) > 0,
            ordered.date() + timedelta(days=dice.below(9) + 2),
        ]
        if month > 1:
            row.append(dice.pick((None, None, None, 5, 7.5)))
        rows.append(row)
    book = Book()
    book.add("Orders", columns, rows)
    return book.to_bytes()


def orders_by_quarter() -> bytes:
    """A sheet for each quarter, the last one never filled in; notes and a hidden list beside them."""
    dice = Dice("orders 2024")
    columns = [
        Column(header="Order no."),
        Column(header="Ordered", number_format=DAY),
        Column(header="Customer"),
        Column(header="Coffee", width=20),
        Column(header="Quantity"),
        Column(header="Unit price", number_format=EURO),
        Column(header="Net amount", number_format=EURO),
    ]
    book = Book()
    number = 0
    for quarter in (1, 2, 3):
        rows: list[Row] = []
        for _ in range(70):
            number += 1
            coffee, _, cents = dice.pick(COFFEES)
            quantity = dice.below(30) + 1
            rows.append(
                [
                    f"2024-{number:04}",
                    date(2024, 1, 1) + timedelta(days=(quarter - 1) * 91 + dice.below(90)),
                    f"{dice.below(120) + 1:06}",
                    coffee,
                    quantity,
                    cents / 100,
                    Formula("=E{row}*F{row}", cents * quantity / 100),
                ]
            )
        book.add(f"Q{quarter}", columns, rows)
    book.add("Q4", [], [])
    book.add("Notes", [Column(header="Q4 follows once the audit is through.", width=40)], [])
    book.add("Lists", [Column(header="Coffee")], [[coffee] for coffee, _, _ in COFFEES], hidden=True)
    return book.to_bytes()


def stock_count(warehouse: str, week: int, *, timed: bool) -> bytes:
    """A title above the header, bin codes shown with zeros, remarks; counted on a day, or at a time of day."""
    dice = Dice(f"stock {warehouse} {week}")
    columns = [
        Column(header="Bin", number_format="00000"),
        Column(header="Article"),
        Column(header="Counted", number_format=MINUTE if timed else DAY, width=18),
        Column(header="Bags"),
        Column(header="Sealed"),
        Column(header="Remark", width=24),
    ]
    rows: list[Row] = []
    for number in range(110):
        day = datetime.fromisocalendar(2025, week, 5)
        moment = day + timedelta(hours=8, minutes=number * 3) if timed else day.date()
        remark = dice.pick((None, None, None, None, "bag torn", "Palette schräg", "count again", 'label says "decaf"'))
        rows.append([number * 11 + 7, f"{dice.below(32) + 1:04}", moment, dice.below(60), dice.below(9) > 0, remark])
    book = Book()
    book.add("Count", columns, rows, title=f"Stock count {warehouse}, week {week}")
    return book.to_bytes()


def lock_file() -> bytes:
    """File that Excel writes beside an open workbook: a user name, not a workbook."""
    name = "Warehouse"
    narrow = bytes([len(name)]) + name.encode().ljust(54)
    return narrow + bytes([len(name), 0]) + name.encode("utf-16-le").ljust(108, b" ")


def workbooks() -> dict[str, bytes]:
    """Return every file of the data folder, by its path below it."""
    january, february = orders(1), orders(2)
    return {
        "customers/customers.xlsx": customers(later=False),
        "customers/customers 2025-03.xlsx": customers(later=True),
        "finance/payments/payments 2025-01.ods": payments_spreadsheet(),
        "finance/payments/payments 2025-02.xlsx": payments_workbook(),
        "plant/roaster log/week 10.xlsx": roaster_log(10),
        "plant/roaster log/week 11.xlsx": roaster_log(11),
        "products/price list.xlsx": price_list(),
        "sales/2024/orders 2024.xlsx": orders_by_quarter(),
        "sales/2025/orders 2025-01.xlsx": january,
        "sales/2025/orders 2025-01_saved again.xlsx": saved_again(january),
        "sales/2025/orders 2025-02.xlsx": february,
        "sales/2025/orders 2025-02_copy.xlsx": february,
        "sales/2025/orders 2025-03.xlsx": orders(3),
        "stock/counts/Dresden week 10.xlsx": stock_count("Dresden", 10, timed=False),
        "stock/counts/Leipzig week 10.xlsx": stock_count("Leipzig", 10, timed=False),
        "stock/counts/Leipzig week 11.xlsx": stock_count("Leipzig", 11, timed=True),
        "stock/counts/~$Leipzig week 11.xlsx": lock_file(),
    }


def main(folder: Path) -> None:
    """Write the files of the data folder; files of other names stay."""
    for name, content in workbooks().items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_name("data"))
