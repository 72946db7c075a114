"""Forms of output: histories, logs, traces, differences, listings."""

from template import code

FORMS = [
    code(
        "shell history",
        "TP",
        "text",
        "history.txt",
        " 1021  cd /srv/«svc»\n 1022  export «NAME»='«v»'\n 1023  ./run.sh",
        ": 17«id»3:0;mysql -u«user» -p'«v»' «db»",
    ),
    code(
        "prompt",
        "TP",
        "console",
        "session.txt",
        "$ export «NAME»='«v»'\n$ ./deploy\nok",
        "«user»@«host»:~$ «NAME»='«v»' ./sync",
        "root@«host»:~# echo '«v»' > /etc/«svc»/«kebab»",
    ),
    code(
        "log line",
        "TP",
        "log",
        "app.log",
        "«date» «time» DEBUG [«svc»] connecting with user=«user» password=«v» host=«host»",
        "«date»T«time»Z INFO auth: token=«v» accepted for «user»",
        '«date» «time» config loaded: {"«camel»":"«json»","debug":true}',
        "[«date» «time»] «svc».ERROR: «name»: «v» rejected",
        'ts=«date»T«time»Z level=debug msg="login" user=«user» pass="«v»"',
    ),
    code(
        "access log",
        "T",
        "log",
        "access.log",
        '«ip» - - [12/Mar/2025:«time» +0000] "GET /api/export?token=«percent» HTTP/1.1" 200 5123',
        '«ip» - «user» [03/Jan/2026:«time» +0000] "POST /hook?api_key=«percent» HTTP/1.1" 204 0',
    ),
    code(
        "stack trace",
        "TP",
        "text",
        "trace.txt",
        "Traceback (most recent call last):\n  File \"db.py\", line «n», in connect\n    conn = connect(user='«user»', password='«v»')\nOperationalError: could not connect",
        "java.sql.SQLException: Access denied (jdbc:mysql://«host»/«db»?user=«user»&password=«percent»)\n\tat com.acme.Db.open(Db.java:«n»)",
        "Error: 401 Unauthorized\n  headers: { authorization: 'Bearer «v»' }\n    at Client.request (client.js:«n»:11)",
    ),
    code(
        "http dump",
        "T",
        "text",
        "curl.log",
        "> GET /v1/«svc» HTTP/2\n> Host: «host»\n> authorization: Bearer «v»\n> accept: */*\n<\n< HTTP/2 200",
        "> X-Api-Key: «v»",
    ),
    code(
        "printenv",
        "TP",
        "text",
        "env.txt",
        "HOME=/root\n«NAME»=«v»\nPATH=/usr/bin:/bin\nLANG=C.UTF-8",
        'declare -x «NAME»="«v»"',
    ),
    code(
        "diff",
        "TP",
        "diff",
        "fix.diff",
        '--- a/config.py\n+++ b/config.py\n@@ -1,3 +1,3 @@\n DEBUG = False\n-«NAME» = "«v»"\n+«NAME» = os.environ["«NAME»"]',
        "@@ -«n»,2 +«n»,3 @@\n   host: «host»\n+  «word»: '«v»'",
        "diff --git a/.env b/.env\nindex «sha»..1b2c3d4 100644\n+«NAME»=«v»",
    ),
    code(
        "grep output", "TP", "text", "grep.txt", "config/«svc».env:«n»:«NAME»=«v»", "src/db.js:«n»:  password: '«v»',"
    ),
    code(
        "line numbers",
        "TP",
        "text",
        "listing.txt",
        '  11  host = "«host»"\n  12  «name» = "«v»"\n  13  timeout = 5',
        "12: «NAME»=«v»",
        "12 | «camel»: '«v»',\n13 | debug: false",
    ),
]
