// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package topic

// Partition is where a Java client would put a record with this key: murmur2
// over the key, its sign bit cleared, modulo the number of partitions.
func Partition(key string, partitions int) int32 {
	return int32(int(murmur2(key)&0x7fffffff) % partitions)
}

// murmur2 is the 32-bit hash by Austin Appleby, with the seed that Kafka took.
func murmur2(key string) uint32 {
	const m, shift = 0x5bd1e995, 24
	h := uint32(0x9747b28c) ^ uint32(len(key))
	for ; len(key) >= 4; key = key[4:] {
		k := uint32(key[0]) | uint32(key[1])<<8 | uint32(key[2])<<16 | uint32(key[3])<<24
		k *= m
		k ^= k >> shift
		k *= m
		h = h*m ^ k
	}
	if len(key) > 0 {
		for i := len(key) - 1; i >= 0; i-- {
			h ^= uint32(key[i]) << (8 * i)
		}
		h *= m
	}
	h ^= h >> 13
	h *= m
	return h ^ h>>15
}
