"""What our processes say to each other and to the outside: each message is declared once and checked at the edge."""
