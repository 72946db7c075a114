"""Forms of office documents: a line is a paragraph, a tab parts the cells of a table."""

from template import document

NOTES = ("The «noun» is «v»", "«Noun»: «v»", "«NAME»=«v»", "Login: «user»\nPassword: «v»", "export «NAME»='«v»'")
TABLE = ("System\tUser\tPassword\n«svc»\t«user»\t«v»\nvpn\t-\tsee vault", "Setting\tValue\n«NAME»\t«v»", "«Noun»\t«v»")

FORMS = [
    document("docx paragraph", "TP", "docx", *NOTES),
    document("docx table", "TP", "docx", *TABLE),
    document("docx split runs", "TP", "runs", *NOTES),
    document("xlsx", "TP", "xlsx", *TABLE),
    document("odt", "TP", "odt", *NOTES, *TABLE),
    document("pptx", "TP", "pptx", *NOTES),
    document("pdf", "TP", "pdf", *NOTES, *TABLE),
]
HARMLESS = [
    document(
        "office without secret",
        "",
        "docx",
        "The password is sent to your phone.",
        "Password:\t(see vault)",
        "Commit:\t<40:h>",
        "Order\t<uuid>",
    ),
    document(
        "office without secret, runs",
        "",
        "runs",
        "Passwords expire after 90 days.",
        "API_KEY=your-api-key",
        "SHA256: <64:h>",
    ),
    document(
        "sheet without secret",
        "",
        "xlsx",
        "System\tUser\tPassword\n«svc»\t«user»\tsee vault",
        "Key\tValue\nregion\teu-west-1",
        "Order\t<uuid>\nCustomer\t<12:u>",
    ),
    document("pdf without secret", "", "pdf", "Password: ********", "Token lifetime: 3600 seconds", "Checksum <64:h>"),
]
