// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package piieval // import "github.com/otelcol-feedback/otelcol-feedback/internal/piieval"

import (
	"fmt"
	"strings"
	"time"
)

// lookAlikes make what has the looks of personal data and is none.
var lookAlikes = []func(maker) string{
	// Dates and times.
	func(m maker) string {
		return m.when().Format(m.one("2006-01-02", "2006/01/02", "02.01.2006", "01/02/2006", "2-1-2006", "20060102", "02-01-2006"))
	},
	func(m maker) string {
		return m.when().Format(m.one(time.RFC3339, time.RFC3339Nano, time.RFC1123Z, "2006-01-02 15:04:05,000", "20060102T150405Z", "20060102150405", "2006.01.02-15.04.05", "2006-01-02_15-04-05"))
	},
	func(m maker) string {
		return m.when().Format("2006-01-02") + m.one(" - ", " to ", "–", "/") + m.when().Format("2006-01-02")
	},
	func(m maker) string {
		return m.when().Format("01/2006") + m.one(" - ", "-") + m.when().Format("01/2006")
	},
	func(m maker) string { return fmt.Sprint(m.when().Unix()) },
	func(m maker) string { return m.passingLuhn(fmt.Sprint(m.when().UnixMilli())) },
	func(m maker) string { return "created_at=" + m.passingLuhn(fmt.Sprint(m.when().UnixMilli())) },
	func(m maker) string { return fmt.Sprint(m.when().UnixMicro()) },
	func(m maker) string { return fmt.Sprint(m.when().UnixNano()) },
	func(m maker) string { return m.fill("between 0#:1#:2# and 1#:3#:4#") },
	func(m maker) string { return "the years " + m.fill("19##-20##") },
	// Versions, models, builds.
	func(m maker) string {
		return m.fill(m.one("v#.##.#", "version #.#.####.#", "v%.##.#-rc.#", "%.#.#+build.####", "release 20##.##.#"))
	},
	func(m maker) string {
		return m.fill(m.one("version 10.0.1####.####", "Chrome/1##.0.####.###", "version %.%.%.%", "build %#.##.#.##", "v1.2.3.4"))
	},
	func(m maker) string {
		return m.fill(m.one("gpt-4-0#%#", "gpt-4o-2024-0%-1#", "claude-3-5-sonnet-202410##", "gemini-1.5-pro-00#", "llama-3.1-405b-instruct", "mistral-large-2407", "text-embedding-3-large-####"))
	},
	func(m maker) string {
		return m.fill(m.one("SM-G99#B", "RTX 40%0", "iPhone 15 Pro 256", "WH-1000XM%", "i7-13###K", "A100-SXM4-80GB"))
	},
	func(m maker) string {
		return m.fill(m.one("v1.2.3-##-g~~~~~~~", "web-7d9f8c####-x@@@@", "nightly-20240###", "torch==2.#.#+cu12#"))
	},
	// Ids and hashes.
	func(m maker) string { return m.fill("~~~~~~~~-~~~~-4~~~-a~~~-~~~~~~~~~~~~") },
	func(m maker) string { return m.fill("########-####-4###-9###-############") },
	func(m maker) string { return m.fill("~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~") },
	func(m maker) string { return "sha256:" + m.fill(strings.Repeat("~", 64)) },
	func(m maker) string {
		return m.fill(m.one("commit ~~~~~~~", "~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~", "git sha ~~~~~~~~~~~~"))
	},
	func(m maker) string {
		return "trace " + m.fill(strings.Repeat("~", 32)) + " span " + m.fill(strings.Repeat("~", 16))
	},
	func(m maker) string { return "chatcmpl-" + m.chars(alnum, 29) },
	func(m maker) string { return m.fill("req_##########") },
	func(m maker) string { return m.fill("user id ########") },
	// Orders, tickets, parcels.
	func(m maker) string {
		return m.fill(m.one("order 11#-#######-#######", "order #%#########", "Order no. %###-####-####", "order number: %#########"))
	},
	func(m maker) string {
		return m.fill(m.one("ticket %######", "case 0%######", "ticket #%##-###-####", "incident INC00#####%#", "JIRA-#####"))
	},
	func(m maker) string {
		return m.fill(m.one("tracking 1Z%##AA101########", "tracking 9400 1### #### #### #### ##", "tracking number %###########", "parcel JD0146###########", "shipment RR#########DE"))
	},
	func(m maker) string {
		return m.fill(m.one("invoice 20##-%#####", "invoice INV-2024-######", "invoice no %########", "PO %#########"))
	},
	func(m maker) string {
		return m.fill(m.one("account number %##########", "customer no. %#######", "member id: %#########", "booking ref %#######", "reference %#########"))
	},
	func(m maker) string {
		return m.fill(m.one("SKU %##-%##-%###", "part no. %###-%######", "serial %###########", "article %##.%##.%##", "model number %##-%###-##"))
	},
	// Standard numbers.
	func(m maker) string {
		return "ISBN " + m.one("978-3-16-148410-0", "0-306-40615-2", "9780306406157", "978 0 306 40615 7")
	},
	func(m maker) string {
		return m.one("ISSN 2049-3630", "EAN 5901234123457", "IMEI 490154203237518", "VIN 1HGCM82633A004352", "UPC 036000291452")
	},
	func(m maker) string {
		return m.fill(m.one("doi:10.1%##/s415##-0##-####-#", "arXiv:23##.1####", "PMID 2######%", "10.1145/33#####.34#####", "RFC 9###"))
	},
	func(m maker) string {
		return m.fill(m.one("CVE-20##-%####", "CWE-%##", "patent US 10,###,### B2", "ISO 27001:2022", "IEC 61508-3"))
	},
	func(m maker) string {
		return m.fill(m.one("zip 9410#-%###", "CA 90210-####", "SW1A 1AA", "PO Box %######"))
	},
	func(m maker) string { return m.fill("sort code ##-##-##") },
	// Quantities.
	func(m maker) string {
		return m.fill(m.one("$%,###,###.##", "%.###.###,## €", "USD %####.##", "£%##,###", "¥%#######", "CHF %'###.##"))
	},
	func(m maker) string {
		return m.fill(m.one("%#-%##", "pages %###-%###", "100-200", "%##,%##–%##,%##", "5-7 business days", "lines %###..%###", "rows %####-%#####"))
	},
	func(m maker) string {
		return m.fill(m.one("%#.#", "99.99#", "%#.####", "0.########", "-0.0#######", "%.######e-0#")) + m.one("", " %", "%")
	},
	func(m maker) string {
		return m.fill(m.one("%####### tokens", "1%### 000 tokens", "% ### ### users", "%###### ms", "%########## bytes", "% 234 567 requests"))
	},
	func(m maker) string {
		return m.fill(m.one("37.77%####, -122.41%####", "lat 52.5%#### lon 13.4%####", "48°51'24\"N 2°21'03\"E", "POINT(13.4####% 52.5####%)"))
	},
	func(m maker) string { return m.fill("pi is 3.14159265358979 and loss 0.000########") },
	func(m maker) string {
		return m.fill(m.one("1920x1080", "3840×2160", "12x34x56 cm", "1080p60", "4:3 or 16:9"))
	},
	func(m maker) string {
		return m.fill(m.one("scores 3-1, 2-2 and 10-20", "21-19 21-17", "6-4 3-6 7-5", "100:99"))
	},
	func(m maker) string {
		return m.one("1, 2, 3, 4, 5, 6, 7, 8, 9", "12 34 56 78 90", "1 1 2 3 5 8 13 21 34 55 89 144", "0.1 0.2 0.3 0.45", "10 20 30 40 50 60")
	},
	// Machines.
	func(m maker) string { return m.fill("~~:~~:~~:~~:~~:~~") },
	func(m maker) string {
		return m.one("#"+m.fill("~~~~~~"), m.fill("0x~~~~~~~~"), m.fill("0xDEADBEEF%###"), m.fill("rgb(12#, 45, 2##)"), m.fill("U+1F6##"))
	},
	func(m maker) string {
		return m.fill(m.one("error 0x8007####", "code -214746####", "E%####", "HTTP 50%", "ORA-0####", "errno %##", "exit code 13%"))
	},
	func(m maker) string {
		return m.fill(m.one("port 54%#", "localhost:80%#", "pid %#####", "0644 0755", "uid=100# gid=100#", "127 workers"))
	},
	func(m maker) string {
		return m.fill(m.one("1.3.6.1.4.1.%####.#.#", "OID 2.16.840.1.1137##.#.#", "section 1.2.3.4", "chapter 12.3.4"))
	},
	func(m maker) string {
		return m.one("lodash@4.17.21", "react@18.2.0", "@types/node@20.1", "@user123", "foo@bar", "user@localhost", "image@2x.png", "5 @ 10.00", "me @ home")
	},
	func(m maker) string {
		return m.one("2147483647", "9223372036854775807", "18446744073709551615", "4294967296", "-2147483648", "999999999")
	},
	func(m maker) string {
		return m.fill(m.one("seed=%#########", "step %######", "offset %########", "epoch %#", "row %######", "id: %#########", "id %##-%##-%###"))
	},
	func(m maker) string {
		return m.fill(m.one("file_%#######.log", "report-2125551%##.pdf", "IMG_2024%%##_1#####.jpg", "/orders/21255512##/items", "?page=2&id=%#########"))
	},
	// Data that breaks its own rules.
	func(m maker) string { return m.breakingLuhn(m.fill("4%## #### #### ####")) },
	func(m maker) string { return m.breakingLuhn(m.fill("5%##############")) },
	func(m maker) string {
		return m.one("000-12-3456", "666-12-3456", "123-00-4567", "123-45-0000", "XXX-XX-6789", "***-**-1234")
	},
	func(m maker) string {
		return "IBAN " + m.one("DE00 1234 5678 9012 3456 78", "GB00 WEST 1234 5698 7654 32")
	},
	func(m maker) string {
		return m.one("256.1.2.999", "1.2.3", "300.300.300.300", "12:34:56", "std::vector", "a::b", "::")
	},
	func(m maker) string {
		return m.one("card ending in 4242", "**** **** **** 1234", "the last four are 1111", "my phone has 128 GB", "call 911", "dial 112", "phone: see page 12")
	},
	func(m maker) string {
		return m.one("sk-learn", "key-value", "Bearer of bad news", "AKIA is a prefix", "ghp_ tokens", "basic access", "Authorization: none", "eyJ is how they begin")
	},
	func(m maker) string {
		return m.one("https://example.com/a:b@2", "https://example.com:8080/", "git@", "ssh://host:22", "mailto:", "http://localhost:3000")
	},
	func(m maker) string {
		return m.one("function call 1234567", "the API call 20241022", "an error message 1234567", "system call 4096", "1234567 calls per day", "call of duty 2")
	},
	func(m maker) string {
		return m.one("H2O and CO2", "COVID-19", "B2B", "3D", "7-11", "24/7", "9-5", "50/50", "1-2-3-4-5-6-7", "80-20")
	},
	func(m maker) string {
		return m.one("room 404-1202", "flat 12-3456", "gate B12", "flight LH 1234", "bus 100", "seat 12A", "Route 66")
	},
	func(m maker) string {
		return m.one("J. Phys. 12(3) 1234-1240 (1998)", "Nature 521, 436-444 (2015)", "vol. 12, no. 3, pp. 123-130", "[12] p. 1234")
	},
	func(m maker) string {
		return m.fill(m.one("lottery 04 12 23 34 45 49", "phone model ^-%###", "phone charger 65W", "telephone exchange 1876", "mobile phase 70:30", "fax machine 3000"))
	},
}

func (m maker) when() time.Time {
	return time.Unix(1600000000+m.Int64N(200000000), m.Int64N(1e9)).UTC()
}

// passingLuhn changes the last digit so that the number passes.
func (m maker) passingLuhn(s string) string { return s[:len(s)-1] + luhnDigit(s[:len(s)-1]) }

// breakingLuhn changes the last digit so that the number does not pass.
func (m maker) breakingLuhn(s string) string {
	plain := strings.ReplaceAll(s, " ", "")
	right := luhnDigit(plain[:len(plain)-1])[0]
	return s[:len(s)-1] + string('0'+(right-'0'+byte(1+m.IntN(9)))%10)
}
