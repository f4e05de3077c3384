"""The CSV template of a customer list, to the byte."""

from codecs import BOM_UTF8

from .call import Call
from .envelope import Answer

FILE_NAME = "template_clientes_beel.csv"
MEDIA_TYPE = "text/csv"
LINES = """\
nombre_fiscal;nif;email;telefono;direccion_calle;direccion_numero;direccion_codigo_postal;\
direccion_poblacion;direccion_provincia
Ejemplo Servicios SL;B65120347;hola@ejemplo.example;+34931234567;Carrer Major;12;08001;\
Barcelona;Barcelona
Lucía Ejemplo Ruiz;28765431K;lucia@ejemplo.example;600112233;Calle Nueva;3;29005;Málaga;Málaga
"""
# Spreadsheets on Windows, where most lists come from, end their lines with CRLF.
CONTENT = BOM_UTF8 + LINES.replace("\n", "\r\n").encode()


def download_template(call: Call) -> Answer:
    """POST customers/templates/csv, or GET templates/customer-import."""
    headers = {"Content-Disposition": f'attachment; filename="{FILE_NAME}"'}
    return Answer(200, CONTENT, f"{MEDIA_TYPE}; charset=utf-8", headers)
