"""The edge to people: SMS, the kiosk page, the desk, and the addresses machines use."""
