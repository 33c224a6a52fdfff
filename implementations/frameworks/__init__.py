"""One module a framework, with the functions of `implementations.contract.Framework`."""
