module sluicebench

go 1.19
