"""Who owns a name and what it is for, with evidence. The knowledge is data: see knowledge/README.md."""
