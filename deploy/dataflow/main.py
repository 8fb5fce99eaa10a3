"""What the launcher of the Flex Template runs."""

from xsieve.pipelines.flex import main

if __name__ == "__main__":
    main()
