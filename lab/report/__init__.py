"""Results, transcripts and findings in words: text, JSON, JUnit. Pure; what we say stands here, what a system says in its persona."""
