// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package pii

import (
	"encoding/base64"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	base62 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	base16 = "0123456789abcdef"
)

func chance(r *rand.Rand, set string, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = set[r.IntN(len(set))]
	}
	return string(b)
}

func exampleJWT(r *rand.Rand) string {
	enc := base64.RawURLEncoding
	return enc.EncodeToString([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + enc.EncodeToString([]byte(`{"sub":"`+chance(r, base62, 8)+`"}`)) + "." + chance(r, base62, 43)
}

// TestTokens makes tokens of each kind by chance, within text.
func TestTokens(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	made := map[string]func() string{
		"aws":         func() string { return "AKIA" + chance(r, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 16) },
		"aws session": func() string { return "ASIA" + chance(r, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 16) },
		"google":      func() string { return "AIza" + chance(r, base62+"_-", 35) },
		"google id":   func() string { return "GOCSPX-" + chance(r, base62+"_-", 28) },
		"oauth":       func() string { return "ya29." + chance(r, base62, 60) },
		"azure":       func() string { return chance(r, base62, 3) + "8Q~" + chance(r, base62, 34) },
		"github":      func() string { return "ghp_" + chance(r, base62, 36) },
		"github app":  func() string { return "ghs_" + chance(r, base62, 36) },
		"github fine": func() string { return "github_pat_" + chance(r, base62, 22) + "_" + chance(r, base62, 59) },
		"gitlab":      func() string { return "glpat-" + chance(r, base62, 20) },
		"slack": func() string {
			return "xoxb-" + chance(r, "0123456789", 12) + "-" + chance(r, "0123456789", 12) + "-" + chance(r, base62, 24)
		},
		"slack app": func() string {
			return "xapp-1-A" + chance(r, base62, 10) + "-" + chance(r, "0123456789", 12) + "-" + chance(r, base16, 64)
		},
		"stripe":      func() string { return "sk_live_" + chance(r, base62, 24) },
		"stripe rk":   func() string { return "rk_test_" + chance(r, base62, 24) },
		"webhook":     func() string { return "whsec_" + chance(r, base62, 32) },
		"openai":      func() string { return "sk-" + chance(r, base62, 20) + "T3BlbkFJ" + chance(r, base62, 20) },
		"openai new":  func() string { return "sk-proj-" + chance(r, base62+"_-", 120) + "x" },
		"anthropic":   func() string { return "sk-ant-api03-" + chance(r, base62+"_-", 93) + "AA" },
		"openrouter":  func() string { return "sk-or-v1-" + chance(r, base16, 64) },
		"huggingface": func() string { return "hf_" + chance(r, base62, 34) },
		"npm":         func() string { return "npm_" + chance(r, base62, 36) },
		"pypi":        func() string { return "pypi-AgEIcHlwaS5vcmc" + chance(r, base62, 80) },
		"sendgrid":    func() string { return "SG." + chance(r, base62, 22) + "." + chance(r, base62, 43) },
		"twilio":      func() string { return "SK" + chance(r, base16, 32) },
		"mailgun":     func() string { return "key-" + chance(r, base16, 32) },
		"mailchimp":   func() string { return chance(r, base16, 32) + "-us12" },
		"telegram":    func() string { return "1" + chance(r, "0123456789", 9) + ":AA" + chance(r, base62, 33) },
		"discord": func() string {
			return "MTA" + chance(r, base62, 21) + "." + chance(r, base62, 6) + "." + chance(r, base62, 38)
		},
		"shopify":      func() string { return "shpat_" + chance(r, base16, 32) },
		"digitalocean": func() string { return "dop_v1_" + chance(r, base16, 64) },
		"databricks":   func() string { return "dapi" + chance(r, base16, 32) },
		"vault":        func() string { return "hvs." + chance(r, base62, 24) },
		"groq":         func() string { return "gsk_" + chance(r, base62, 52) },
		"linear":       func() string { return "lin_api_" + chance(r, base62, 40) },
		"grafana":      func() string { return "glsa_" + chance(r, base62, 32) + "_" + chance(r, base16, 8) },
		"docker":       func() string { return "dckr_pat_" + chance(r, base62, 27) },
		"atlassian":    func() string { return "ATATT3xFfGF0" + chance(r, base62, 170) },
		"age":          func() string { return "AGE-SECRET-KEY-1" + chance(r, "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L", 58) },
		"jwt":          func() string { return exampleJWT(r) },
		"newrelic":     func() string { return "NRAK-" + chance(r, base62, 27) },
		"replicate":    func() string { return "r8_" + chance(r, base62, 37) },
		"xai":          func() string { return "xai-" + chance(r, base62, 80) },
		"rubygems":     func() string { return "rubygems_" + chance(r, base16, 48) },
		"square":       func() string { return "sq0csp-" + chance(r, base62, 43) },
		"sentry":       func() string { return "sntryu_" + chance(r, base16, 64) },
		"figma":        func() string { return "figd_" + chance(r, base62, 40) },
		"postman":      func() string { return "PMAK-" + chance(r, base16, 24) + "-" + chance(r, base16, 34) },
		"doppler":      func() string { return "dp.pt." + chance(r, base62, 43) },
		"planetscale":  func() string { return "pscale_tkn_" + chance(r, base62, 43) },
		"supabase":     func() string { return "sbp_" + chance(r, base16, 40) },
	}
	around := [][2]string{
		{"", ""}, {"my key ", " leaked"}, {"it is ", "."}, {"(", ")"}, {`{"k":"`, `"}`}, {"export KEY=", "\n"}, {"`", "`, sorry"}, {"https://x.example/?k=", "&a=1"}, {"密钥", "。"}, {"x ", ", and y"},
	}
	e := NewDefault()
	for name, token := range made {
		missed := 0
		for n := range 200 {
			v := token()
			a := around[n%len(around)]
			out, err := e.Redact(a[0]+v+a[1], nil)
			require.NoError(t, err)
			if out != a[0]+"[SECRET_REDACTED]"+a[1] {
				missed++
				t.Logf("%s: %q -> %q", name, a[0]+v+a[1], out)
			}
		}
		assert.LessOrEqual(t, missed, 2, name)
	}
}

func pemOf(kind string, lines int, newline string) string {
	r := rand.New(rand.NewPCG(3, 4))
	out := "-----BEGIN " + kind + "-----" + newline
	for range lines {
		out += chance(r, base62+"+/", 64) + newline
	}
	return out + chance(r, base62, 21) + "=" + newline + "-----END " + kind + "-----"
}

func TestSecrets(t *testing.T) {
	jwt := exampleJWT(rand.New(rand.NewPCG(5, 6)))
	encrypted := strings.Replace(pemOf("RSA PRIVATE KEY", 4, "\n"), "-----\n", "-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,2B2D3A45C1D2E3F4A5B6C7D8E9F01234\n\n", 1)
	unended, _, _ := strings.Cut(pemOf("PRIVATE KEY", 3, "\n"), "\n-----END")
	// {} is the secret.
	tests := []struct{ text, secret string }{
		{"key:\n{}\nthanks", pemOf("RSA PRIVATE KEY", 5, "\n")},
		{"{}", pemOf("PRIVATE KEY", 5, "\r\n")},
		{"{} ok", pemOf("EC PRIVATE KEY", 2, "\n")},
		{"{} ok", pemOf("OPENSSH PRIVATE KEY", 5, "\n")},
		{"{} ok", pemOf("ENCRYPTED PRIVATE KEY", 5, "\n")},
		{"{} ok", pemOf("PGP PRIVATE KEY BLOCK", 5, "\n")},
		{`{"type":"service_account","private_key":"{}\n","client_id":"1"}`, pemOf("PRIVATE KEY", 5, `\n`)},
		{"one line {} end", pemOf("PRIVATE KEY", 3, " ")},
		{"{}", encrypted},
		{"cut: {}", unended},
		{"postgres://{}@db.example.com:5432/app", "app:s3cr3t"},
		{"use mongodb+srv://{}@cluster0.mongodb.net/test please", "root:p%40ssw0rd"},
		{"redis://{}@cache:6379/0", ":hunter2hunter2"},
		{"https://{}@example.com/path?x=1", "joe:pass"},
		{"amqp://{}@mq/%2f", "user:p@ss:word"},
		{"git clone https://{}@github.com/o/r.git", "ghp_abcdefghijklmnopqrstuvwxyz0123456789"},
		{"ftp://{}@ftp.example.com", "anonymous:guest@x"},
		{"Authorization: Bearer {}", jwt},
		{"authorization: bearer {}.", jwt},
		{`-H "Authorization: Bearer {}"`, "abc123def456"},
		{"Authorization: Basic {}", "dXNlcjpwYXNzd29yZA=="},
		{`{"Authorization": "Basic {}"}`, "dXNlcjpwYXNzd29yZA=="},
		{"Authorization: Token {}", "9944b09199c62bcf9418ad846dd0e4bbdfc6ee4b"},
		{"Authorization: {}", "0123456789abcdef0123456789abcdef"},
		{"Proxy-Authorization: Basic {}", "YWxhZGRpbjpvcGVuc2VzYW1l"},
		{"Authorization: AWS4-HMAC-SHA256 {}\nHost: x", "Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=fe5f80f77d5fa3beca038a248ff027d0445342fe2855ddc963176630326f1024"},
		{"I sent Bearer {} and got 401", "mF_9.B5f-4.1JqM-xyzabcdefgh12345"},
		{"with Basic {} it works", "QWxhZGRpbjpvcGVuIHNlc2FtZQ=="},
		{"curl -u admin:{} https://x.example", "hunter22"},
		{"password: {}", "hunter2"},
		{"Password: {}, thanks", "Tr0ub4dor&3"},
		{"password={}&user=joe", "swordfish"},
		{"DB_PASSWORD={}", "correct-horse"},
		{`"password": "{}"`, "letmein"},
		{`{"user":"joe","passwd":"{}"}`, "S3cret!"},
		{"pwd: {} user: joe", "Passw0rd!"},
		{"Server=db;User Id=sa;Password={};Encrypt=true", "Sup3r$ecret"},
		{"my password is {}", "hunter2"},
		{"the password was {}, can you reset it?", "Summer2024!"},
		{"mein Passwort ist {}.", "geheim123"},
		{"mot de passe : {}", "azerty123"},
		{"contraseña: {}", "clave123"},
		{"密码：是 x, password：ignored, 密码:{}", "abc12345"},
		{"api_key={}", "3f9a8b7c6d5e4f3a2b1c"},
		{"X-Api-Key: {}", "3f9a8b7c6d5e4f3a2b1c"},
		{"API key: {}", "Zx81kQpL90vBnM32"},
		{"client_secret: '{}'", "aB3dE5fG7hI9jK1l"},
		{"aws_secret_access_key = {}", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"},
		{"AWS secret {} was in the log", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"},
		{"DefaultEndpointsProtocol=https;AccountName=x;AccountKey={};EndpointSuffix=core.windows.net", strings.Repeat("aB3+", 21) + "A1=="},
		{"SharedAccessKey={}", "3kF9aL2mN8pQ7rS5tU1vW4xY6zA0bC9dE8fG7hI6jK5="},
		{"https://x.blob.core.windows.net/c?sv=2020&se=2024&sig={}", "aB3dE5fG7hI9jK1lM3nO5pQ7rS9tU1vW3xY5zA7bC9d%3D"},
		{"https://hooks.slack.com/services/{}", "T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX"},
		{"access_token={}&x=1", "a1b2c3d4e5f6g7h8"},
		{"secret: {}", "k8sJd72Hs9aKq"},
		{"clientSecret={}", "aB3dE5fG7hI9jK1l"},
	}
	e := NewDefault()
	for _, tt := range tests {
		text := strings.Replace(tt.text, "{}", tt.secret, 1)
		out, err := e.Redact(text, nil)
		require.NoError(t, err)
		assert.Equal(t, strings.Replace(tt.text, "{}", "[SECRET_REDACTED]", 1), out, text)
	}
}

func TestNotSecret(t *testing.T) {
	e := NewDefault()
	for _, text := range []string{
		"gpt-4o-2024-08-06", "claude-3-5-sonnet-20241022", "claude-sonnet-4-5-20250929", "text-embedding-3-large", "mistral-large-2411", "Meta-Llama-3.1-70B-Instruct-Turbo",
		"550e8400-e29b-41d4-a716-446655440000", "request 550e8400e29b41d4a716446655440000", "d41d8cd98f00b204e9800998ecf8427e", "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		"commit 9944b09199c62bcf9418ad846dd0e4bbdfc6ee4b", "the password is too short", "Password: required", "password: must have 8 characters", "password is case-sensitive", "I forgot my password: help",
		"password is sha256 hashed", "token: 42", "tokens: 1234", "max_tokens=4096", "token limit is 128000", "The secret: use shorter prompts", "the secret is to ask twice", "secret sauce: gpt-4o",
		"Authorization: required", "Authorization failed", "Bearer token missing", "use Bearer authentication", "Basic plan", "basic understanding", "key: value", "api key: missing", "API key is required",
		"https://example.com:8080/path", "https://example.com/@user", "http://example.com/a:b@c", "see https://example.com/very/long/path-with-many-words/and_more?query=string#fragment",
		"-----BEGIN CERTIFICATE-----\nMIIDdzCCAl+gAwIBAgIEAgAAuTANBgkqhkiG9w0BAQUFADBaMQswCQYDVQQGEwJJ\n-----END CERTIFICATE-----", "-----BEGIN PUBLIC KEY-----", "PRIVATE KEY is what it said",
		"password=<password>", "password=${DB_PASSWORD}", "password: ********", "password={{ secret }}", "token=YOUR_TOKEN", "api_key: <your key>", "password=null", "password: [SECRET_REDACTED]",
		"supercalifragilisticexpialidocious", "Donaudampfschifffahrtsgesellschaft", "sk-learn-contrib-package-names-are-long", "hf_transfer", "npm_config_registry", "pk_id", "risk-based-approach-to-testing",
		"https://cdn.example.com/assets/index-4f3a2b1c.js", "arn:aws:iam::123456789012:role/Admin", "ssh://git@github.com/o/r.git is it", "compass: north2", "passport: needed", "bypass=true",
		"data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAUA", "eyJ is how they begin", "AKIA is a prefix", "user: joe, token count: 512", "session_id: a1b2c3d4e5f6g7h8", "C:\\Users\\joe\\Documents\\secret.txt",
		"2024-11-23T10:20:30.123456789Z", "1Z999AA10123456784", "978-3-16-148410-0", "temperature=0.7&top_p=0.95", "The password reset link expires in 24h", "my password was reset 3 times", "token=abc", "signature: John",
		"etag \"33a64df551425fcc55e4d42a148795d9f25f89d4\"", "trace 4bf92f3577b34da6a3ce929d0e0e4736", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "pass: 3 of 5", "Pass rate: 93%", "pass=12", `password = base64.b64encode(b"x1")`, "credentials = base64.b64encode(x1)", "MLKEM1024P384PrivateKey = rust_openssl.hpke.MLKEM1024", `'authkey': AuthenticationString(os.urandom(32))`,
		`"CreationToken": "console-123Example"`, `"clientRequestToken": "123Example"`, `"encryptionKey": "arn:aws:kms:us-east-1:123456789012:key/abcd1234"`, "password=settings.DB_PASSWORD", "password=db_password",
	} {
		for _, m := range findAll(e, text) {
			assert.NotEqual(t, Secret, m.entity, "%q in %q", text[m.start:m.end], text)
		}
	}
}
