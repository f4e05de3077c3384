-- The rows of the sandbox. Money is decimal text, moments are ISO 8601 in UTC, nested objects JSON.

CREATE TABLE companies (
  id TEXT PRIMARY KEY,
  account_id TEXT NOT NULL,
  nif TEXT NOT NULL,
  legal_name TEXT NOT NULL,
  business_display_name TEXT,
  entity_type TEXT NOT NULL,
  is_primary INTEGER NOT NULL,
  address TEXT NOT NULL,
  created_at TEXT NOT NULL
);

CREATE TABLE customers (
  id TEXT PRIMARY KEY,
  company_id TEXT NOT NULL REFERENCES companies (id),
  legal_name TEXT NOT NULL,
  trade_name TEXT,
  nif TEXT,
  alternative_id TEXT,
  address TEXT NOT NULL,
  phone TEXT,
  email TEXT,
  website TEXT,
  billing_emails TEXT,
  contact_person TEXT,
  notes TEXT,
  preferred_payment_method TEXT,
  general_discount REAL,
  active INTEGER NOT NULL DEFAULT 1,
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL,
  deleted_at TEXT
);

-- Not unique: whether a NIF may repeat is a switch, and a deleted customer frees its own.
CREATE INDEX customers_by_nif ON customers (company_id, nif) WHERE deleted_at IS NULL;

CREATE TABLE invoices (
  id TEXT PRIMARY KEY,
  company_id TEXT NOT NULL REFERENCES companies (id),
  customer_id TEXT NOT NULL REFERENCES customers (id),
  series TEXT NOT NULL,
  number INTEGER,
  invoice_number TEXT,
  type TEXT NOT NULL,
  status TEXT NOT NULL,
  issue_date TEXT NOT NULL,
  operation_date TEXT,
  due_date TEXT,
  valid_until TEXT,
  scheduled_for TEXT,
  payment_date TEXT,
  lines TEXT NOT NULL,
  taxable_base TEXT NOT NULL,
  total_tax TEXT NOT NULL,
  total_irpf TEXT NOT NULL,
  total TEXT NOT NULL,
  notes TEXT,
  source_proforma_id TEXT REFERENCES invoices (id),
  rectified_invoice_id TEXT REFERENCES invoices (id),
  void_reason TEXT,
  pdf_ready INTEGER NOT NULL DEFAULT 1,
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL,
  deleted_at TEXT
);

CREATE INDEX invoices_by_customer ON invoices (customer_id) WHERE deleted_at IS NULL;

-- What would have been mailed; nothing ever leaves. Recipients, copies and invoices are JSON lists.
CREATE TABLE mails (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  company_id TEXT NOT NULL REFERENCES companies (id),
  email_type TEXT NOT NULL,
  recipients TEXT NOT NULL,
  cc TEXT NOT NULL,
  subject TEXT NOT NULL,
  message TEXT,
  status TEXT NOT NULL,
  sent_at TEXT,
  invoice_ids TEXT NOT NULL
);

-- One row per committed effect: what a test believes, whatever the answers said.
CREATE TABLE ledger (
  seq INTEGER PRIMARY KEY,
  time TEXT NOT NULL,
  operation TEXT NOT NULL,
  method TEXT NOT NULL,
  path TEXT NOT NULL,
  company_id TEXT NOT NULL,
  kind TEXT NOT NULL,
  customer_id TEXT,
  nif TEXT,
  invoice_id TEXT,
  request_id TEXT NOT NULL
);

-- One row per request that arrived; the status is missing until it is answered.
CREATE TABLE requests (
  seq INTEGER PRIMARY KEY,
  time TEXT NOT NULL,
  method TEXT NOT NULL,
  path TEXT NOT NULL,
  query TEXT NOT NULL,
  idempotency_key TEXT,
  status INTEGER
);

-- A row without an answer is a request in flight.
CREATE TABLE idempotency_keys (
  owner TEXT NOT NULL,
  key TEXT NOT NULL,
  body_digest TEXT NOT NULL,
  taken_at REAL NOT NULL,
  status INTEGER,
  content BLOB,
  headers TEXT,
  PRIMARY KEY (owner, key)
);
