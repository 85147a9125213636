// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package pii // import "github.com/otelcol-feedback/otelcol-feedback/pkg/pii"

// wordKind says what a word beside a number tells of it.
type wordKind uint32

const (
	wLabel    wordKind = 1 << iota // names a telephone number: phone, mobile, fax
	wCall                          // what one does with it: call, dial
	wMessage                       // what reaches one there, if a preposition follows: message, answer
	wPrep                          // at, on, to …
	wFill                          // may stand between the word and the number
	wIs                            // is, was
	wOwn                           // my, your …
	wNumber                        // number, no …
	wCard                          // names a payment card
	wSSN                           // names a social security number
	wSocial                        // first of "social security"
	wSecurity                      // second of "social security"
	wID                            // names another number: order, ticket
	wTech                          // before call and message: function call, error message
	wUnit                          // behind a quantity: tokens, times
	wToken                         // part of what redaction wrote
	wDesk                          // before line and number: office line, home number
	wCode                          // what is sent to a telephone
	wSend                          // how: send the code to
)

// words says what a word tells, in lower case.
var words = map[string]wordKind{}

// wordLists are the words in the languages that feedback is most often written
// in.
var wordLists = map[wordKind][]string{
	wLabel: {
		"phone", "phones", "telephone", "tel", "telefon", "teléfono", "telefono", "téléphone", "telefone", "telefoon",
		"telefonnummer", "rufnummer", "handynummer", "mobilnummer", "phonenumber", "telnr", "mobilenumber", "cellnumber", "faxnumber", "tlf", "tél", "телефон",
		"mobile", "mob", "mobil", "móvil", "movil", "portable", "celular", "cellulare", "handy", "cell", "cellphone",
		"cellular", "landline", "festnetz", "fax", "telefax", "desk", "ph", "hotline", "helpline", "pager", "voicemail",
		"whatsapp", "imessage", "viber", "smartphone", "switchboard", "extension", "tollfree", "numéro", "gsm", "natel", "sim",
		"telefonnr", "mobilnr", "handynr", "mobiltelefon", "festnetznummer", "faxnummer", "faxnr", "durchwahl", "rückrufnummer",
		"telefonisch", "telefoonnr", "telefoonnummer", "mobiel", "télécopie", "telefonszám", "telefonu", "komórka", "telp", "telepon", "sđt",
		"puhelin", "puh", "puhelinnumero", "cep", "τηλέφωνο", "τηλ", "κινητό", "телефона", "телефону", "тел", "моб", "мобильный",
		"هاتف", "جوال", "موبايل", "טלפון", "נייד", "फोन", "मोबाइल", "phoneno", "telno", "mobileno", "contactnumber", "phonenum", "cellphonenumber",
		"homephone", "workphone", "mobilephone", "whatsappnumber", "contactno", "msisdn", "cel", "celu", "fono", "fon", "fijo", "telefonnummern", "celulares", "móviles",
	},
	wCall: {
		"call", "calls", "calling", "called", "callback", "dial", "dialing", "dialling", "dialed", "ring", "sms", "text",
		"texting", "texted", "whatsapped", "anrufen", "anruf", "appeler", "appelez", "appelle", "rappeler", "llame", "llamar",
		"llámame", "llamame", "llamada", "ligue", "ligar", "liga", "ligou", "chiamare", "chiama", "chiamami", "chiamatemi", "bellen", "ringup",
		"bel", "ruf", "rufen", "ruft", "rufe", "rückruf", "zurückrufen", "telefonieren", "telefonare", "telefonami", "telefonate",
		"téléphoner", "téléphonez", "contactez", "kontakt", "contacto", "contatto", "contato", "llámanos", "llámeme", "marque", "phoned",
		"phoning", "rang", "dialled", "contact", "zadzwoń", "volejte", "sunați", "звоните", "позвоните", "callback", "facetime",
	},
	wMessage: {
		"message", "messages", "messaging", "msg", "texts", "answer", "answering", "answered", "answers", "contact",
		"contacted", "reach", "reached", "reachable", "reaching", "pick", "picking", "picks", "otp", "erreichbar", "erreichen",
		"joindre", "joignable", "contacter", "contactar", "line", "lines", "speak", "talk", "verification", "callers", "caller",
		"notifications", "notification", "alerts", "registered", "joignez", "contactar", "appel", "appels", "anrufe",
	},
	wPrep:   {"at", "on", "to", "via", "under", "using", "unter", "au", "al", "ao", "auf", "from", "op", "an", "pod", "на", "по"},
	wNumber: {"number", "numbers", "no", "nr", "num", "nbr", "nummer", "número", "numero", "n", "номер", "registered", "numer", "nomor", "numéros", "números", "numret"},
	wDesk:   {"support", "home", "house", "office", "direct", "emergency", "reception", "daytime", "evening", "care", "work", "help", "info", "service"},
	wCode:   {"code", "codes", "link", "invitation", "confirmation", "pin", "passcode", "password", "verification", "notification", "kode", "código"},
	wSend:   {"send", "sent", "sending", "sends", "forward", "forwarded", "schick", "schicken", "envoyer", "envoyez", "enviar", "envía"},
	wOwn:    {"my", "your", "his", "her", "our", "their", "mein", "meine", "meiner", "mon", "ma", "mi", "meu", "minha"},
	wIs:     {"is", "was"},
	wFill: {
		"is", "was", "are", "be", "me", "us", "him", "them", "it", "its", "it's", "s", "the", "a", "this", "that", "new",
		"old", "current", "registered", "personal", "private", "primary", "main", "home", "work", "office", "business", "direct",
		"file", "listed", "following", "please", "also", "maybe", "now", "back", "anytime", "below", "reads", "ending", "by", "up",
		"de", "ist", "lautet", "est", "es", "le", "la", "der", "die", "das", "mich", "moi", "bitte", "today", "heute", "hoy", "jetzt", "svp", "favor", "direkt", "fija", "fixe", "fisso", "fixo", "vast", "kom", "directo", "perso", "pro",
		"privat", "privé", "dienstlich", "geschäftlich", "casa", "oficina", "bureau", "mobilen", "lo", "los", "eller", "lub", "o", "é", "è", "international", "support", "customer", "emergency", "service", "daytime", "evening",
		"local", "alternate", "alternative", "other", "either", "usual", "contact", "ext",
	},
	wCard: {
		"card", "cards", "cc", "ccn", "cardnumber", "creditcard", "creditcardnumber", "debitcard", "cardno", "visa", "mastercard", "amex", "maestro",
		"discover", "diners", "jcb", "unionpay", "credit", "debit", "pan", "kreditkarte", "kreditkartennummer", "karte",
		"kartennummer", "tarjeta", "carte", "carta", "cartão", "kaart", "карта", "карты", "express", "bancaire", "bancaria", "bankkarte", "girocard", "kreditkort",
		"betaalkaart", "creditcardnummer", "karta", "karty", "kartı", "kartu",
	},
	wSSN:      {"ssn", "ssns", "ss", "socialsecurity", "socialsecuritynumber"},
	wSocial:   {"social", "soc"},
	wSecurity: {"security", "sec"},
	wID: {
		"order", "orders", "ticket", "tickets", "case", "invoice", "tracking", "track", "shipment", "parcel", "account",
		"acct", "id", "ids", "uid", "uuid", "guid", "ref", "reference", "isbn", "issn", "ean", "upc", "imei", "serial", "sn", "version", "ver",
		"build", "release", "sku", "part", "product", "model", "item", "batch", "lot", "epoch", "timestamp", "timestamps",
		"request", "requests", "session", "transaction", "txn", "trace", "span", "commit", "issue", "pr", "bug", "row", "rows",
		"line", "page", "pages", "zip", "postcode", "po", "policy", "claim", "booking", "confirmation", "routing", "iban",
		"seed", "port", "offset", "code", "pin", "passport", "license", "licence", "vat", "tax", "doi", "pmid", "arxiv", "hash",
		"checksum", "error", "job", "task", "run", "process", "pid", "record", "key", "token", "sequence",
		"device", "barcode", "catalog", "catalogue", "article", "patent",
		"bestellung", "bestellnummer", "auftrag", "auftragsnummer", "rechnung", "rechnungsnummer", "kundennummer", "konto", "kontonummer",
		"vorgang", "aktenzeichen", "artikelnummer", "sendungsnummer", "sendung", "ticketnummer", "referenz", "commande", "facture", "colis",
		"suivi", "compte", "client", "dossier", "référence", "pedido", "factura", "cuenta", "envío", "seguimiento", "referencia", "ordine",
		"fattura", "spedizione", "riferimento", "encomenda", "protocolo", "conta", "bestelling", "ordernummer", "factuur", "klantnummer",
		"rekening", "zamówienie", "заказ", "заказа",
		"nhs", "nino", "cpf", "cnpj", "aadhaar", "ein", "npi", "ndc", "duns", "cas", "bsb", "abn", "acn", "tfn", "siren", "siret", "nif", "nie",
		"dni", "rut", "curp", "rfc", "pesel", "nip", "regon", "bsn", "kvk", "oib", "cpr", "medicare", "steuernummer", "personnummer", "docket",
		"gtin", "asin", "lei", "swift", "bic", "mrn", "snowflake",
	},
	wTech: {"function", "tool", "api", "rpc", "system", "method", "http", "error", "async", "last", "first", "log", "per"},
	wUnit: {
		"times", "tokens", "token", "ms", "milliseconds", "seconds", "sec", "secs", "minutes", "hours", "days", "users",
		"requests", "items", "rows", "bytes", "kb", "mb", "gb", "records", "events", "words", "characters", "chars", "usd",
		"eur", "gbp", "dollars", "euros", "points", "people", "customers", "calls", "phones", "lines", "entries", "samples",
		"parameters", "params", "images", "pages", "messages", "queries", "downloads", "views", "steps", "iterations",
	},
	wToken: {"redacted", "hash"},
}

func init() {
	for kind, list := range wordLists {
		for _, w := range list {
			words[w] |= kind
		}
	}
}

// cjkLabels announce telephone numbers where words have no spaces between.
var cjkLabels = []string{"电话", "電話", "手机", "手機", "携帯", "携带", "联系", "聯絡", "連絡先", "전화", "휴대폰", "핸드폰", "연락처"}

var cjkCards = []string{"信用卡", "银行卡", "卡号", "卡號", "クレジットカード", "カード番号", "카드"}
