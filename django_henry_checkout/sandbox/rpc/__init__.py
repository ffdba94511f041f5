"""The early all-POST API, also below `/v1`."""
