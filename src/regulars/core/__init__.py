"""What every other package leans on: errors, money, languages. No Django, no engine."""
