"""A small BeeL that lives in the package; it imports nothing else of it, and only `cli` opens it.

Two generations of the API can be played (`SandboxOptions.generation`); the older one is called
`seeds` on the command line:

| | `current` | `legacy` |
|---|---|---|
| routes | flat and company, identity, companies | flat; the others are 404, PATCH is 405 |
| deprecation | flat answers carry Deprecation, Sunset, Link | none |
| unknown query parameter | 400 | ignored |
| a value that is none of a field's | 422 VALIDATION_ERROR | 400 INVALID_JSON_FORMAT |
| code of a 404 | says what is missing: CLIENT_NOT_FOUND … | NOT_FOUND |
| scopes a key lacks | one text with commas | a list |
| company | path, or BeeL-Active-Company | always the first one |
| error bodies | with type, title, detail, instance on top | the envelope only |
| website | `website` | `web` |
| address.number | optional; more signs in towns | required |
| address.country | optional; a code or a name, stored in Spanish | required, stored as sent |
| a NIF that is wrong | NIF_INVALID_CONTROL_DIGIT, NIF_NOT_IN_CENSUS | NIF_INVALID |
| a customer without a discount | has one of 0 | has none |
| shape of a NIF | that of a DNI, NIE or CIF | nine capitals or digits |
| payment method | also BIZUM, no defaults | BANK_TRANSFER and 30 days by default |
| trade_name absent | copied from legal_name | stays empty |
| list without `active` | active customers | all of them |
| PUT | replaces, identifiers included | updates what is sent; identifiers stay |
| bulk creation | 201, the report of a dry run with ids | 201, `customers` and `total_created` |
| DELETE | gone, the NIF is free | inactive, the NIF stays taken |
| DELETE with invoices | 409 CLIENT_HAS_INVOICES | 400 VALIDATION_ERROR |
| bulk DELETE | one row per id, the legacy fields beside it | `deactivated_ids` and `errors` |
| proformas | among the invoices | not shown |
| invoices by status | one or several, with commas | one |
| a line of a new invoice | needs a tax; 2,000 letters; withholds 1 % | needs a text; 500; 21 % |
| a unit price of 0 | taken | refused |
| DELETE of an invoice | a draft, or an active proforma | a draft |
| its proforma | is active again | as it was |
| ids in a ZIP of PDFs | 1 to 500 | 1 to 20 |
| mails with invoices | one of 1 to 200, noted and never sent; their history | none |
| kept under an idempotency key | successes and failures (5xx) | successes |
| a kept answer has | Idempotency-Replay | X-Idempotency-Replay |
| a PDF that is being made | waited for, then 202 | 400 |
| X-Bulk-Failures | not sent | sent when a PDF is missing |

In both, a new invoice is a draft for a customer, whatever else BeeL can make; a NIF must have its
right control character, and the census is that of `rules.py`.
"""

from .app import create_app
from .options import SandboxOptions
from .store import Store

__all__ = ["SandboxOptions", "Store", "create_app"]
