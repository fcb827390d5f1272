"""Google on the wire: no Django, no settings, no clock."""
