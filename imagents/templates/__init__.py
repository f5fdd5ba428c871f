"""What `imagents new` writes: files to begin with, which are code here like any other and are tested as such."""
