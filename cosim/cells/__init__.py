"""Ways of carrying transfers: planned together block by block, in virtual time, or each on a lane of its own."""
