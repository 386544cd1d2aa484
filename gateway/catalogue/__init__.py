"""Every sentence that a finding or an error has for a person: code to English, the source of all translations."""
