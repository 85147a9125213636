// Copyright The otelcol-feedback Authors
// SPDX-License-Identifier: Apache-2.0

package sample

import (
	"slices"
	"strings"
)

// targetRunes is about how long a comment is.
const targetRunes = 200

type model struct {
	id, provider        string
	inputUSD, outputUSD float64 // for a million tokens
}

var (
	models = []model{
		{"gpt-4o", "openai", 2.5, 10},
		{"gpt-4o-mini", "openai", 0.15, 0.6},
		{"claude-sonnet-4-5", "anthropic", 3, 15},
		{"claude-haiku-4-5", "anthropic", 1, 5},
		{"gemini-2.5-flash", "gcp.gemini", 0.3, 2.5},
		{"mistral-large-2", "mistral_ai", 2, 6},
		{"llama-3.3-70b", "self_hosted", 0, 0},
	}
	services = []string{"chat-api", "retrieval", "inference-gateway", "embedding-worker", "session-store", "prompt-router"}
	tags     = []string{"accurate", "helpful", "too_long", "off_topic", "hallucination", "slow", "good_tone", "missing_source", "formatting", "great_code"}

	errorTypes = []string{"timeout", "rate_limit_exceeded", "context_length_exceeded", "provider_unavailable", "content_filtered"}

	praise = []string{
		"The answer was clear and it cited the right page of our handbook.",
		"Exactly what I needed, and faster than asking a colleague.",
		"It understood the follow-up question without me repeating everything.",
		"The code compiled on the first try, including the edge case I forgot to mention.",
		"Nice tone, short sentences, no waffling.",
		"Très bien expliqué, merci beaucoup.",
		"Hat mir sehr geholfen, die Schritte waren gut verständlich.",
		"Summaries like this one save me an hour every week 🎉",
	}
	complaints = []string{
		"It made up a function that does not exist in that library.",
		"The answer was far too long, I only wanted the command.",
		"It ignored the second half of my question completely.",
		"The numbers in the table do not add up to the total it gives.",
		"I had to ask three times before it used the document I attached.",
		"Too slow today, the first words came after several seconds.",
		"Die Übersetzung klingt hölzern und lässt einen Absatz aus.",
		"It kept apologising instead of fixing the mistake 🙁",
	}
	asides = []string{
		"I was working on the quarterly report when I tried it.",
		"The earlier version handled this better, I think.",
		"We use it in support, mostly for long e-mail threads.",
		"A link to the source would help.",
		"Same question last week gave a different result.",
		"My team has been testing it on real tickets.",
		"Formatting was fine apart from the bullet points.",
	}

	// Addresses under example domains, numbers set aside for fiction, card
	// numbers payment providers publish for tests, and two social security
	// numbers that were printed in advertisements and are void since.
	emails = []string{"anna.meyer@example.com", "j.o.brien+beta@example.org", "support-lead@example.net", "li_wei@mail.example.com"}
	phones = []string{"+1 202-555-0143", "(415) 555-0132", "+44 20 7946 0958", "+1-212-555-0187"}
	cards  = []string{"4111 1111 1111 1111", "5555-5555-5555-4444", "378282246310005", "4242424242424242"}
	ssns   = []string{"078-05-1120", "219-09-9999"}
)

// PersonalData lists every e-mail address and telephone, card and social
// security number that comments may hold. None of them may reach Kafka.
func PersonalData() []string {
	return slices.Concat(emails, phones, cards, ssns)
}

// comment is a few sentences that are pleased or not; one in ten has personal
// data somewhere.
func (g *Generator) comment(good bool) string {
	opinions := complaints
	if good {
		opinions = praise
	}
	var sentences []string
	for n := 0; n < targetRunes-40; {
		s := pick(g, opinions)
		if len(sentences)%2 == 1 {
			s = pick(g, asides)
		}
		sentences = append(sentences, s)
		n += len([]rune(s)) + 1
	}
	if g.chance(10) {
		sentences = slices.Insert(sentences, g.rng.IntN(len(sentences)+1), g.confession())
	}
	return strings.Join(sentences, " ")
}

// confession is a sentence with personal data.
func (g *Generator) confession() string {
	switch g.rng.IntN(4) {
	case 0:
		return "Please write to " + pick(g, emails) + " when it is fixed."
	case 1:
		return "You can call me at " + pick(g, phones) + " in the morning."
	case 2:
		return "It even repeated my card number " + pick(g, cards) + " back to me."
	default:
		return "For the form it wanted my SSN " + pick(g, ssns) + ", which felt wrong."
	}
}
