"""How a server makes a new model of reports that come at any time, one way a file."""
