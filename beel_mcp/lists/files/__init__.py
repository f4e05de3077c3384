"""CSV, XLSX, XLS and ODS files to rows."""
