module github.com/playline/playline-go

go 1.26
