// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package pii

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestIP(t *testing.T) {
	// {} is the address.
	tests := []struct{ text, address string }{
		{"{}", "192.168.1.1"},
		{"from {}.", "8.8.8.8"},
		{"{}:8080 refused", "10.0.0.5"},
		{"http://{}/admin", "203.0.113.7"},
		{"https://{}:8443/x", "198.51.100.23"},
		{"user@{} failed", "198.51.100.23"},
		{"subnet {}/24", "10.1.2.0"},
		{"ip-{}.ec2.internal", "10.1.2.3"},
		{"since the fix I see {} in the log", "10.20.30.40"},
		{"3 times from {}", "5.6.7.8"},
		{"ip={} ok", "172.16.254.1"},
		{"client ({}) timed out", "93.184.216.34"},
		{"[{}]", "93.184.216.34"},
		{"src:{},", "93.184.216.34"},
		{"localhost/{}:9092", "127.0.0.1"},
		{"zero padded {}", "192.168.001.001"},
		{"my IP is {} since the update", "5.4.3.2"},
		{"the server was updated to {}", "192.168.4.20"},
		{"it answers from {}-50", "192.168.4.20"},
		{"IP地址是{}吗", "192.168.4.20"},
		{"{}", "2001:0db8:85a3:0000:0000:8a2e:0370:7334"},
		{"{}", "2001:db8::8a2e:370:7334"},
		{"{} is loopback", "::1"},
		{"[{}]:443", "2001:db8::1"},
		{"http://[{}]/x", "2001:db8::1"},
		{"{}/64", "2001:db8:abcd:12::"},
		{"addr {}", "fe80::1%eth0"},
		{"ping {}.", "fe80::1ff:fe23:4567:890a%en0"},
		{"mapped {}", "::ffff:192.0.2.128"},
		{"nat64 {}", "64:ff9b::192.0.2.33"},
		{"{}", "::192.0.2.1"},
		{"upper {}", "2001:DB8:0:0:8:800:200C:417A"},
		{"ip:{}", "2001:db8::1"},
		{"IPv6:{}", "2001:db8::1"},
		{"host={};", "dead:beef::cafe"},
		{"it is {}, right?", "2a02:1234:5678:9abc:def0:1234:5678:9abc"},
		{"from {}: timeout", "2001:db8::1"},
		{"[{}]:8080", "::1"},
		{"[{}]:8080", "::ffff:10.0.0.1"},
		{"add:{}", "2001:db8:85a3:0:0:8a2e:370:7334"},
		{"IP {} for all", "1::2"},
		{"multicast {}", "ff02::1:ff00:42"},
		{"the address is {}", "1:2:3:4:5:6:7:8"},
	}
	e := NewDefault()
	for _, tt := range tests {
		text := strings.Replace(tt.text, "{}", tt.address, 1)
		out, err := e.Redact(text, nil)
		require.NoError(t, err)
		assert.Equal(t, strings.Replace(tt.text, "{}", "[IP_REDACTED]", 1), out, text)
	}
	out, err := e.Redact("10.0.0.1-10.0.0.9, 10.0.1.1 10.0.1.2", nil)
	require.NoError(t, err)
	assert.Equal(t, "[IP_REDACTED]-[IP_REDACTED], [IP_REDACTED] [IP_REDACTED]", out)
}

func TestNotIP(t *testing.T) {
	e := NewDefault()
	for _, text := range []string{
		"version 1.2.3.4", "v1.2.3.4", "Version: 10.0.19041.1", "release 4.18.0.305", "upgraded to 3.10.2.1 yesterday", "since the update to 2.1.0.4 it crashes",
		"Chrome/99.0.4.51", "Chrome 119.0.6045.105", "Mozilla/5.0 Chrome/120.0.0.0 Safari/537.36", "pkg-1.2.3.4.tgz", "numpy==1.26.4.1", "^1.2.3.4", "firmware 1.0.0.12",
		"build 17.4.1.2", "section 1.2.3.4 says", "1.2.3", "1.2.3.4.5", "256.1.1.1", "1.2.3.1000", "12.03.20.21", "$1.2.3.4", "1.2.3.4-beta", "1.2.3.4rc1", "the 2.3.4.5 release",
		"12:30:45", "at 10:30", "2024-01-02T10:20:30Z", "00:1a:2b:3c:4d:5e", "00:1a:2b:ff:fe:3c:4d:5e", "std::vector", "abc::def", "a[::2]", "x[1::2]", "list[::1]", "items[::-1]",
		"ratio 1:2:3", "::", "note: see above", "43:51:43:a1:b5:fc:8b:b7:0a:3a:a9:b1:0f:66:73:a8", "Foo::Bar", "dead::beef", "10:30::", "key:value", "urn:uuid:550e8400-e29b-41d4-a716-446655440000",
		"sdk 2.4.6.8", "we use nginx/1.25.3.1", "OID 1.3.6.1", "1.3.6.1.4.1", "04.05.06.07", "a::b", "gpt-4.1.2.3", "primes 1, 2, 163::", "Upgrade V8 to 3.9.24.31", "update V8 from 4.2.77.18 to 4.2.77.20", "OTP-25.3.2.9", "## 0.9.3.1", "it was broken in 1.6.0.1", "slices x[10::]", "12.1.0.2.v21", "4.1.7.2.Final", "5.3.2.1.RELEASE",
	} {
		out, err := e.Redact(text, nil)
		require.NoError(t, err)
		assert.Equal(t, text, out)
	}
}
