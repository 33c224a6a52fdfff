"""One stage a file: its cells, and what a child process measures of one."""
