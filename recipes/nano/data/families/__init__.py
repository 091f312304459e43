"""One kind of picture a file: lines, pages, tables, charts, formulas, receipts, screens, scenes, talk."""
