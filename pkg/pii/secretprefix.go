// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package pii // import "github.com/otelcol-feedback/otelcol-feedback/pkg/pii"

import "strings"

// charset is a set of bytes that a token is made of.
type charset uint8

const (
	csAlnum  charset = 1 << iota // letters and digits
	csUnder                      // '_'
	csDash                       // '-'
	csDot                        // '.'
	csBase64                     // '+', '/', '='
	csHex                        // alone: hexadecimal digits
	csColon                      // ':'

	csURL = csAlnum | csUnder | csDash // base64url
)

func (c charset) has(b byte) bool {
	switch {
	case c&csHex != 0 && isHex(b):
		return true
	case isAlnum(b):
		return c&csAlnum != 0
	case b == '_':
		return c&csUnder != 0
	case b == '-':
		return c&csDash != 0
	case b == '.':
		return c&csDot != 0
	case b == '+' || b == '/' || b == '=':
		return c&csBase64 != 0
	case b == ':':
		return c&csColon != 0
	}
	return false
}

// tokenKind is a kind of token that its beginning tells.
type tokenKind struct {
	prefix string
	min    int // characters behind the prefix
	set    charset
	mixed  bool // letters and digits have to be mixed as only chance does
}

// tokenKinds as their issuers document them. The lengths are a little below the
// documented ones: a token cut short is better hidden, too.
var tokenKinds = []tokenKind{
	// Clouds
	{"AKIA", 16, csAlnum, false}, {"ASIA", 16, csAlnum, false}, {"ABIA", 16, csAlnum, false}, {"ACCA", 16, csAlnum, false},
	{"ABSK", 40, csAlnum | csBase64, true}, {"bedrock-api-key-", 40, csURL | csBase64, false},
	{"AIza", 33, csURL, false}, {"GOCSPX-", 20, csURL, false}, {"ya29.", 20, csURL | csDot, false}, {"1//0", 30, csURL, true},
	{"LTAI", 14, csAlnum, true}, {"AKID", 28, csAlnum, true}, {"dop_v1_", 40, csHex, false}, {"doo_v1_", 40, csHex, false}, {"dor_v1_", 40, csHex, false},
	{"HRKU-", 30, csURL, false}, {"FlyV1 ", 40, csURL | csBase64, false}, {"fm1r_", 40, csURL | csBase64, true}, {"fm2_", 40, csURL | csBase64, true}, {"fo1_", 40, csURL, true},
	{"ocid1.key.", 20, csURL | csDot, true}, {"vercel_", 20, csAlnum, true}, {"vcp_", 20, csAlnum, true}, {"nfp_", 30, csAlnum, true},
	{"v1.0-", 60, csURL, true}, {"cfut_", 30, csURL, true}, {"cfat_", 30, csURL, true},
	// Code and packages
	{"ghp_", 30, csAlnum, false}, {"gho_", 30, csAlnum, false}, {"ghu_", 30, csAlnum, false}, {"ghs_", 30, csAlnum | csUnder | csDot | csDash, false},
	{"ghr_", 30, csAlnum, false}, {"github_pat_", 30, csAlnum | csUnder, false},
	{"glpat-", 18, csURL | csDot, false}, {"gldt-", 18, csURL, false}, {"glrt-", 18, csURL | csDot, false}, {"glptt-", 30, csURL, false}, {"glft-", 18, csURL, false},
	{"gloas-", 40, csURL, false}, {"glsoat-", 18, csURL, false}, {"glcbt-", 18, csURL, false}, {"glagent-", 30, csURL, false}, {"glimt-", 18, csURL, false}, {"glffct-", 18, csURL, false},
	{"GR1348941", 18, csURL, false}, {"npm_", 30, csAlnum, false}, {"pypi-", 50, csURL, false}, {"rubygems_", 40, csHex, false}, {"dckr_pat_", 20, csURL, false}, {"dckr_oat_", 20, csURL, false},
	{"oy2", 40, csAlnum, true}, {"cio", 32, csAlnum, true}, {"CLOJARS_", 50, csAlnum, false}, {"ATATT3", 50, csURL | csBase64, false}, {"ATCTT3", 50, csURL | csBase64, false},
	{"ATBB", 24, csAlnum, true}, {"AKCp", 60, csAlnum, true}, {"CCIPAT_", 30, csURL, false}, {"CCIPRJ_", 30, csURL, false}, {"bkua_", 30, csHex, false}, {"sqp_", 36, csHex, false},
	{"squ_", 36, csHex, false}, {"sqa_", 36, csHex, false}, {"pul-", 36, csHex, false}, {"pnu_", 30, csAlnum, true}, {"PMAK-", 40, csURL, false}, {"hvs.", 20, csURL, false}, {"hvb.", 20, csURL, false},
	{"hvr.", 20, csURL, false}, {"dp.pt.", 30, csAlnum, false}, {"dp.st.", 30, csURL | csDot, false}, {"dp.sa.", 30, csAlnum, false}, {"dp.ct.", 30, csAlnum, false},
	{"sha256~", 40, csURL, false}, {"AGE-SECRET-KEY-1", 50, csAlnum, false}, {"ops_eyJ", 100, csURL, false},
	// Models
	{"sk-ant-", 20, csURL, false}, {"sk-proj-", 20, csURL, false}, {"sk-svcacct-", 20, csURL, false}, {"sk-admin-", 20, csURL, false}, {"sk-None-", 20, csURL, false},
	{"sk-or-v1-", 30, csHex, false}, {"sk-", 20, csURL, true}, {"sess-", 30, csAlnum, true}, {"hf_", 28, csAlnum, false}, {"api_org_", 28, csAlnum, false}, {"gsk_", 30, csAlnum, true},
	{"r8_", 30, csAlnum, false}, {"pplx-", 30, csAlnum, false}, {"xai-", 40, csAlnum, false}, {"nvapi-", 40, csURL, false}, {"lsv2_pt_", 30, csAlnum | csUnder, false},
	{"lsv2_sk_", 30, csAlnum | csUnder, false}, {"ls__", 28, csAlnum, true}, {"pcsk_", 30, csAlnum | csUnder, true}, {"tvly-", 20, csURL, true}, {"fw_", 22, csAlnum, true},
	{"csk-", 30, csAlnum, true}, {"tgp_v1_", 30, csURL, true}, {"jina_", 40, csURL, true}, {"ctx7sk-", 20, csURL, false}, {"fc-", 30, csHex, true},
	{"pk-lf-", 30, csHex | csDash, false}, {"sk-lf-", 30, csHex | csDash, false}, {"wandb_v1_", 30, csURL, true},
	// Chat and mail
	{"xoxa-", 20, csURL, false}, {"xoxb-", 20, csURL, false}, {"xoxc-", 20, csURL, false}, {"xoxd-", 20, csURL | csBase64, false}, {"xoxe-", 20, csURL, false}, {"xoxo-", 20, csURL, false},
	{"xoxp-", 20, csURL, false}, {"xoxr-", 20, csURL, false}, {"xoxs-", 20, csURL, false}, {"xoxe.xoxp-", 20, csURL, false}, {"xoxe.xoxb-", 20, csURL, false}, {"xapp-", 30, csURL, false}, {"xwfp-", 30, csURL, false},
	{"SG.", 40, csURL | csDot, true}, {"xkeysib-", 50, csHex | csAlnum | csDash, false}, {"xsmtpsib-", 50, csHex | csAlnum | csDash, false}, {"key-", 32, csHex, true}, {"re_", 28, csAlnum | csUnder, true}, {"SK", 32, csHex, true}, {"AC", 32, csHex, true},
	{"mfa.", 60, csURL, true}, {"syt_", 30, csURL, true},
	// Money and shops
	{"sk_live_", 16, csAlnum, false}, {"sk_test_", 16, csAlnum, false}, {"rk_live_", 16, csAlnum, false}, {"rk_test_", 16, csAlnum, false}, {"sk_prod_", 16, csAlnum, false}, {"pk_live_", 16, csAlnum, false}, {"pk_test_", 16, csAlnum, false},
	{"whsec_", 24, csAlnum | csBase64, false}, {"sk_", 40, csHex, true}, {"rzp_live_", 12, csAlnum, false}, {"rzp_test_", 12, csAlnum, false}, {"shpat_", 28, csHex, false}, {"shpca_", 28, csHex, false}, {"shppa_", 28, csHex, false},
	{"shpss_", 28, csHex, false}, {"shptka_", 28, csHex, false}, {"sq0atp-", 20, csURL, false}, {"sq0csp-", 40, csURL, false}, {"sq0idp-", 20, csURL, false}, {"EAAA", 56, csURL, true}, {"EAACEdEose0cBA", 10, csAlnum, false}, {"EAA", 80, csAlnum, true},
	{"access_token$production$", 40, csAlnum, false}, {"access-sandbox-", 32, csHex | csDash, false}, {"access-production-", 32, csHex | csDash, false}, {"access-development-", 32, csHex | csDash, false},
	{"FLWSECK-", 30, csURL, false}, {"FLWSECK_TEST-", 10, csURL, false}, {"EZAK", 50, csAlnum, false}, {"EZTK", 50, csAlnum, false}, {"shippo_live_", 36, csHex, false}, {"shippo_test_", 36, csHex, false},
	{"duffel_live_", 40, csURL, false}, {"duffel_test_", 40, csURL, false},
	// Services
	{"dapi", 32, csHex | csDash, true}, {"lin_api_", 36, csAlnum, false}, {"lin_oauth_", 36, csAlnum, false}, {"ntn_", 40, csAlnum, true}, {"secret_", 40, csAlnum, true}, {"figd_", 36, csURL, false}, {"figo_", 36, csURL, false},
	{"glsa_", 32, csAlnum | csUnder, false}, {"glc_", 32, csAlnum | csBase64, true}, {"NRAK-", 24, csAlnum, false}, {"NRII-", 24, csURL, false}, {"NRJS-", 15, csHex, false}, {"NRIQ-", 24, csURL, false}, {"NRRA-", 24, csHex, false}, {"sntrys_", 40, csURL | csBase64, false}, {"sntryu_", 40, csHex, false},
	{"pscale_tkn_", 28, csURL | csDot, false}, {"pscale_pw_", 28, csURL | csDot, false}, {"pscale_oauth_", 28, csURL | csDot, false}, {"sbp_", 36, csHex, false}, {"sb_secret_", 20, csURL, false}, {"patAT", 40, csAlnum | csDot, true},
	{"pat-na1-", 32, csHex | csDash, false}, {"pat-eu1-", 32, csHex | csDash, false}, {"aio_", 24, csAlnum, true}, {"sl.", 60, csURL, true}, {"CFPAT-", 40, csURL, false},
	{"tfp_", 40, csURL | csDot, true}, {"rdme_", 60, csAlnum, true}, {"tk-us-", 40, csURL, false}, {"phc_", 36, csAlnum, true}, {"phx_", 36, csAlnum, true}, {"ico-", 30, csAlnum, true}, {"doppler_", 40, csAlnum, true}, {"infisical_", 40, csURL, true},
	{"sk.eyJ", 60, csURL | csDot, false}, {"AQVN", 32, csURL, true}, {"t1.", 60, csURL | csDot | csBase64, true}, {"y0_", 40, csURL, true},
	{"amzn.mws.", 30, csHex | csDash, false}, {"Atza|", 60, csURL | csBase64, false}, {"kgat_", 28, csHex, false}, {"cal_live_", 28, csHex, false}, {"lmk_", 30, csURL, true},
}

// kindsByFirst holds the kinds by their first byte, the longest prefix first.
var kindsByFirst [256][]*tokenKind

func init() {
	for i := range tokenKinds {
		k := &tokenKinds[i]
		list := kindsByFirst[k.prefix[0]]
		at := 0
		for at < len(list) && len(list[at].prefix) >= len(k.prefix) {
			at++
		}
		list = append(list, nil)
		copy(list[at+1:], list[at:])
		list[at] = k
		kindsByFirst[k.prefix[0]] = list
	}
}

// prefixed returns the end of the token with a known beginning at i, or -1.
func prefixed(t string, i int) int {
	for _, k := range kindsByFirst[t[i]] {
		if !strings.HasPrefix(t[i:], k.prefix) {
			continue
		}
		if end, ok := k.runEnd(t, i+len(k.prefix)); ok {
			return end
		}
	}
	return -1
}

// maxLook is how many characters of a token decide whether it is one.
const maxLook = 512

// runEnd returns the end of a token's characters from i, and whether they are
// enough.
func (k *tokenKind) runEnd(t string, i int) (int, bool) {
	end := i
	for end < len(t) && k.set.has(t[end]) {
		if end++; end-i == maxLook && k.mixed && !looksRandom(t[i:end]) {
			return end, false
		}
	}
	for end > i && (t[end-1] == '.' || t[end-1] == ':') {
		end--
	}
	if end-i < k.min || end < len(t) && isAlnum(t[end]) {
		return end, false
	}
	return end, !k.mixed || looksRandom(t[i:min(end, i+maxLook)])
}

// looksRandom reports whether a token's characters are mixed as in no word or
// name: letters and digits alternate within a stretch without separators.
func looksRandom(v string) bool {
	upper, lower, digits, changes := 0, 0, 0, 0
	longest, run := 0, 0
	last := 0
	for i := range len(v) {
		kind := 0
		switch b := v[i]; {
		case isDigit(b):
			digits++
			kind = 1
		case b >= 'A' && b <= 'Z':
			upper++
			kind = 2
		case b >= 'a' && b <= 'z':
			lower++
			kind = 3
		}
		if kind == 0 {
			run = 0
		} else {
			run++
			longest = max(longest, run)
		}
		if kind != last && kind != 0 && last != 0 {
			changes++
		}
		last = kind
	}
	return digits > 0 && upper+lower > 0 && longest >= 8 && changes*6 >= len(v) || upper > 0 && lower > 0 && longest >= 16 && changes*4 >= len(v)
}
