"""Hard negatives that stand where a secret would: placeholders, interpolations, references, reads, redactions."""


def parted(text):
    return [part for part in text.replace("\n", "|").split("|") if part]


# The forms that they stand in, and those in which a person writes an expression of code.
SIMPLE = parted(
    """env|shell export|yaml|json|toml|ini|properties|xml element|xml attribute|hcl|tfvars|dockerfile env|compose map
compose list|kubernetes stringData|kubernetes env|helm values|ansible|systemd|github workflow|javascript|typescript|python
go|java|csharp|ruby|php|rust|kotlin|curl header|curl -u|mysql -p|psql PGPASSWORD|docker login|docker run -e
kubectl literal|sql create user|sql alter|table row|table row code|list item|list item code|bold|inline code|prose is
prose login as|prose short|two lines|html table|html text|log line|diff|url postgres|url basic auth|jdbc|json body
csharp connection|http request|csv|rst literal|asciidoc text|foreign|e-mail|sshpass|redis-cli|powershell|netrc"""
)
CODE_LIKE = ["yaml plain", "ini", "properties", "env", "inline code", "table row code", "list item code", "rst literal"]

VALUES = {
    "placeholder": """changeme|change_me|CHANGEME|change-me-please|changeme123|your-password-here|your_password|your_secret_key_here
your-api-key|YOUR_API_KEY|YOUR_TOKEN_HERE|yourpassword|your-256-bit-secret|replace-me|REPLACE_ME|replace_with_real_value
replace-this-in-production|insert-token-here|INSERT_KEY|put-your-key-here|add-your-token|enter_password_here|my-secret
mysecretpassword|my-super-secret-key|supersecret|super-secret-value|some-secret|secret|password|<password>|<your-token>
<YOUR_API_KEY>|<secret>|<insert key>|[your-token]|[password]|{password}|{your_api_key}|xxxxxxxx|XXXXXXXXXXXXXXXX
xxxx-xxxx-xxxx-xxxx|xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx|0000000000000000|00000000-0000-0000-0000-000000000000|1234567890abcdef
abcdefghijklmnopqrstuvwxyz|abc123|12345678|123456789|aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa|deadbeefdeadbeefdeadbeefdeadbeef
TODO|FIXME|TBD|tbd|n/a|none|null|undefined|empty|example|example-secret|example-api-key-123|examplepassword
sample-token|dummy|dummy-key|dummy_password_for_tests|test|testtest|test-token|test_secret_key|testpassword|fake|fake-api-key
fake_token_for_testing|not-a-real-key|not-a-secret|notasecret|foobar|foo|placeholder|PLACEHOLDER_TOKEN|default|...|…
to-be-defined|see-vault|stored-in-vault|stored in 1Password|ask-ops|use-a-long-random-string|generate-a-strong-password
a-very-long-random-string|generate-with-openssl-rand-hex-32|at-least-32-characters-long|must-be-32-chars-long-xxxxxxxxx""",
    "placeholder in another language": """dein-passwort|IHR_PASSWORT|hier-passwort-eintragen|bitte-ändern|geheim|GEHEIMES_PASSWORT|<passwort>|mein-passwort
beispiel|platzhalter|votre-mot-de-passe|votre_cle_api|mot_de_passe|<mot-de-passe>|à-changer|remplacez-moi|exemple
tu-contraseña|tu_clave_aqui|contraseña|cambiame|<contraseña>|ejemplo|sua-senha|sua_senha_aqui|senha|troque-me|exemplo
la-tua-password|cambiami|inserisci-qui|jouw-wachtwoord|wachtwoord|verander-mij|twoje-haslo|haslo|zmien-mnie|ваш-пароль|пароль
замените-меня|あなたのパスワード|パスワード|ここにトークンを入力|你的密码|请填写密码|密码|在此输入|비밀번호|여기에-입력|ditt-lösenord|byt-ut-mig|sifreniz|degistir|vase-heslo""",
    "interpolation": """${DB_PASSWORD}|$DB_PASSWORD|${DB_PASSWORD:-}|${DB_PASSWORD:?required}|${env:DB_PASSWORD}|${env.DB_PASSWORD}|$(DB_PASSWORD)
$(cat /run/secrets/db_password)|`cat /run/secrets/token`|$(openssl rand -hex 32)|$(pass show prod/db)|$(vault kv get -field=password secret/db)
{{ db_password }}|{{db_password}}|{{ vault_db_password }}|{{ .Values.auth.password }}|{{ lookup('env', 'DB_PASSWORD') }}
{{ secrets.API_TOKEN }}|${{ secrets.GITHUB_TOKEN }}|${{ secrets.NPM_TOKEN }}|<%= ENV['DB_PASSWORD'] %>|<%= db_password %>|%(db_password)s|%DB_PASSWORD%
%{hiera('db_password')}|#{db_password}|#{ENV['SECRET']}|@@DB_PASSWORD@@|@DB_PASSWORD@|__DB_PASSWORD__|$$DB_PASSWORD$$|:password|?|%s|%v|{0}|{password}
{{password}}|[[password]]|$1|"$1"|${1}|${var.db_password}|${local.secret}|var.db_password|${aws_db_instance.main.password}|${data.vault_generic_secret.db.data["password"]}
!Ref DBPassword|!vault|${ssm:/prod/db/password}|{{resolve:secretsmanager:prod/db:SecretString:password}}|ref+vault://secret/db#/password|op://Platform/db/password
vault:secret/data/app#password|arn:aws:secretsmanager:eu-central-1:123456789012:secret:prod/db-AbCdEf|sm://project/db-password|file:/run/secrets/db_password|/run/secrets/db_password""",
    "code that reads, in place": """env(DB_PASSWORD)|os.environ["DB_PASSWORD"]|process.env.DB_PASSWORD|System.getenv("DB_PASSWORD")|ENV.fetch("DB_PASSWORD")|getenv('DB_PASSWORD')|secrets.db_password|config.db.password
settings.SECRET_KEY|self.password|this.password|user.password|request.form['password']|args.token|options.apiKey|get_secret("db")|getPassword()|generatePassword(16)
crypto.randomBytes(64).toString('hex')|secrets.token_hex(32)|SecureRandom.hex(64)|uuid.uuid4()|Environment.GetEnvironmentVariable("TOKEN")""",
    "redacted": """********|****************|•••••••••|●●●●●●●●|[REDACTED]|<redacted>|REDACTED|***REDACTED***|[FILTERED]|[MASKED]|(hidden)|<hidden>|[secret]|***
[REDACTED-128-CHARACTER-HEX-STRING]|ghp_****************************|sk-...abcd|sk-************************************|xoxb-***-***-***
AKIA************|████████████|--------|__________|s3cr3t***|4f9a…e21b|ab12…|(sensitive value)|<sensitive>|no longer used|removed|[hidden by GitLab]""",
}

PIPED = [
    "{{ .Values.secretKey | quote }}",
    "{{ db_password | default('') }}",
]  # interpolations that hold the bar between the others


def choices(name):
    found = parted(VALUES[name])
    return found + PIPED if name == "interpolation" else found
