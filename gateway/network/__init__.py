"""The only privileged room: access point, DHCP, firewall, flows. One process runs it."""
