import java.io.File;
import java.io.FileInputStream;
import java.util.List;
import java.util.Set;
import org.codehaus.mojo.animal_sniffer.SignatureChecker;
import org.codehaus.mojo.animal_sniffer.logging.PrintWriterLogger;

/** ApiCheck.java SIGNATURE CLASSES: are all the framework's classes and functions used there public in this Android? */
class ApiCheck {
    public static void main(String[] arguments) throws Exception {
        Set<String> libraries = Set.of("kotlin.*", "kotlinx.*", "androidx.*", "com.google.*", "io.github.countersign.*");
        SignatureChecker checker = new SignatureChecker(new FileInputStream(arguments[0]), libraries, new PrintWriterLogger(System.out));
        checker.setSourcePath(List.of());
        if (arguments.length > 2) {
            checker.setAnnotationTypes(List.of(arguments[2]));
        }
        checker.process(new File(arguments[1]));
        System.exit(checker.isSignatureBroken() ? 1 : 0);
    }
}
