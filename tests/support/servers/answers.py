"""What BeeL answers, in the words of its wire: envelopes, refusals, pages, a customer."""

KEY = "beel_sk_test_0a1b2c3d4e5f"
BASE = "https://app.beel.es/api"
ACCOUNT = "6f1e9c52-0000-4000-8000-0000000000aa"
COMPANY = "1b2c3d4e-0000-4000-8000-000000000001"
OTHER = "1b2c3d4e-0000-4000-8000-000000000002"
META = {"timestamp": "2026-09-01T10:00:00Z", "request_id": "req-1"}
PREFIX = {"flat": "/v1", "company": f"/v1/companies/{COMPANY}"}
CUSTOMER_ID = "550e8400-e29b-41d4-a716-446655440000"
ADDRESS = {
    "street": "Calle Mayor",
    "number": "1",
    "postal_code": "28013",
    "city": "Madrid",
    "province": "Madrid",
}
ROW = {
    "legal_name": "Ferretería Ñandú SL",
    "nif": "B12345674",
    "address": ADDRESS,
    "website": "https://nandu.example",
}
CUSTOMER = {
    "id": CUSTOMER_ID,
    "legal_name": "Ferretería Ñandú SL",
    "nif": "B12345674",
    "address": ADDRESS,
    "general_discount": 2.50,
    "preferred_payment_method": {"method": "BIZCOCHO", "iban": "ES9121000418450200051332"},
    "created_at": "2026-01-20T10:00:00Z",
    "something_new": {"extra": [1]},
}


def envelope(data, **more):
    return {"success": True, "data": data, "meta": META, **more}


def refusal(code, message="No.", **more):
    return {"success": False, "error": {"code": code, "message": message, **more}, "meta": META}


def pages(total, page=1, size=100, **more):
    return {
        "current_page": page,
        "total_pages": max(1, -(-total // size)),
        "total_items": total,
        "items_per_page": size,
        **more,
    }


def a_company(company_id=COMPANY, name="Demo Taller SL", nif="B12345674"):
    return {"id": company_id, "legal_name": name, "nif": nif}


def report(rows, *, dry=True, imported=0, **row):
    return envelope(
        {
            "metadata": {
                "total_customers": rows,
                "is_dry_run": dry,
                "processing_time_ms": 45,
                "source_type": "BULK_JSON",
            },
            "customers_validation": [
                {"index": index, "status": "VALID", "errors": [], "warnings": [], **row}
                for index in range(rows)
            ],
            "statistics": {"total_processed": rows, "imported": imported, "success_rate": 1.0},
        }
    )
